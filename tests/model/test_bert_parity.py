"""With BERT's settings our transformer is transformers' BERT with its head for masked tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from transformers import BertForMaskedLM, BertForPreTraining

from pretrace.common.errors import PretraceError
from pretrace.model import Transformer, packed_sequences
from pretrace.model.checkpoints.huggingface import write_huggingface
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.loss import next_token_loss
from pretrace.model.packed_sequences import Layout, PaddedBatch, padding_mask
from pretrace.settings import ModelSettings
from tests.helpers.parity import draw, gradients

BERT = {"attention": "full", "embedding_norm": True, "segments": 2, "output": "transform", "norm_epsilon": 1e-12}
BASE = (12, 768, 12, 512, 30_522)
TOLERANCE = 1e-4


def settings_of(layers: int, width: int, heads: int, context: int, **others: Any) -> ModelSettings:
    return ModelSettings(
        **{"layers": layers, "width": width, "heads": heads, "feed_forward": 4 * width, "context": context},
        **{"dropout": 0.0, "embedding_dropout": "sum", "initial_std": 0.02} | BERT | others,
    )


def bert(ours: Transformer, folder: Path) -> BertForMaskedLM | BertForPreTraining:
    """Transformers' model with the weights of ours."""
    write_huggingface(folder, ours)
    kind = BertForPreTraining if ours.settings.next_sentence else BertForMaskedLM
    return kind.from_pretrained(folder, attn_implementation="eager").eval()


@pytest.mark.parametrize("next_sentence", [False, True])
@pytest.mark.parametrize("activation", ["gelu_tanh", "gelu"])
@pytest.mark.parametrize("sizes", [(3, 64, 4, 32, 90), pytest.param(BASE, marks=pytest.mark.slow)])
def test_logits_loss_and_gradients_match_transformers(
    sizes: tuple[int, ...], activation: str, next_sentence: bool, tmp_path: Path
) -> None:
    *model_sizes, size = sizes
    ours = Transformer(settings_of(*model_sizes, activation=activation, next_sentence=next_sentence), size)
    draw(ours, seed=1)
    theirs = bert(ours, tmp_path)
    random = torch.Generator().manual_seed(2)
    ids, segments = torch.randint(size, (2, 32), generator=random), torch.arange(32)[None].repeat(2, 1) // 20
    masked = torch.rand(2, 32, generator=random) < 0.2
    labels = torch.where(masked, torch.randint(size, (2, 32), generator=random), -100)
    follows = {"next_sentence_label": torch.tensor([1, 0])} if next_sentence else {}
    expected = theirs(ids, token_type_ids=segments, labels=labels, **follows)
    logits = expected.prediction_logits if next_sentence else expected.logits
    h_BTC = ours.hidden(ids, segments_BT=segments)
    assert 0.5 < logits.std() < 20
    assert (ours.logits(h_BTC) - logits).abs().max() <= TOLERANCE
    count = int(masked.sum())
    loss = next_token_loss(ours, h_BTC[masked], labels[masked], torch.full((count,), 1 / count), torch.float32)
    if next_sentence:
        next_logits = ours.next_sentence_logits(h_BTC[:, 0])
        assert (next_logits - expected.seq_relationship_logits).abs().max() <= TOLERANCE
        loss = loss + F.cross_entropy(next_logits, follows["next_sentence_label"])
    assert (loss - expected.loss).abs() <= TOLERANCE
    loss.backward()
    expected.loss.backward()
    # At full size gradients of either in float32 differ from those in float64 by up to 4e-3 of the largest: 8e-3 apart.
    limit = TOLERANCE if size < 100 else 1e-2 if next_sentence else 5e-3
    for name, own, other in gradients(ours, theirs):
        if name.endswith("key.bias"):  # it adds the same to all scores of a query: zero but for rounding
            assert max(own.abs().max(), other.abs().max()) < 1e-6
            continue
        assert (own - other).norm() <= limit * other.norm(), name


def test_parameters_of_bert_base() -> None:
    with torch.device("meta"):
        model = Transformer(settings_of(12, 768, 12, 512, next_sentence=True), 30_522)
    assert sum(p.numel() for p in model.parameters()) == 110_106_428
    assert sum(p.numel() for p in model.blocks.parameters()) == 85_054_464
    alone = Transformer(settings_of(1, 8, 2, 8), 20).multiplied_weights()
    assert Transformer(settings_of(1, 8, 2, 8, next_sentence=True), 20).multiplied_weights() == alone


@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_padding_of_packed_sequences_is_not_attended_to(rate: float) -> None:
    ours = Transformer(settings_of(2, 32, 4, 32), 60)
    draw(ours, seed=3)
    lengths = (9, 8, 5)
    sequences = [torch.randint(60, (n,), generator=torch.Generator().manual_seed(n)) for n in lengths]
    places = torch.cat([torch.arange(n) + 9 * row for row, n in enumerate(lengths)])
    batch = PaddedBatch((0, 1, 2), lengths, 9, places)
    layout = Layout(torch.cat([torch.arange(n) for n in lengths]), (batch,))
    packed = ours.hidden(torch.cat(sequences), None, layout).split(lengths)
    for own, sequence in zip(packed, sequences, strict=True):
        torch.testing.assert_close(own, ours.hidden(sequence[None])[0], rtol=1e-4, atol=1e-5)
    dropped = ours.hidden(sequences[0][None], Dropout(rate, 1, 2, range(1)) if rate else None)
    assert torch.equal(dropped, ours.hidden(sequences[0][None])) == (rate == 0.0)


def test_padding_mask_is_made_once_for_all_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(lengths_B: torch.Tensor, longest: int) -> torch.Tensor:
        made.append(longest)
        return padding_mask(lengths_B, longest)

    monkeypatch.setattr(packed_sequences, "padding_mask", counted)
    batches = (PaddedBatch((0, 1), (6, 4), 6, torch.tensor([*range(10)])), PaddedBatch((2,), (3,), 3, None))
    layout = Layout(torch.tensor([*range(6), *range(4), *range(3)]), batches)
    Transformer(settings_of(3, 8, 2, 8), 20).hidden(torch.arange(13), None, layout)
    assert made == [6]
    assert (
        Transformer(settings_of(3, 8, 2, 8, attention="causal"), 20)
        .hidden(torch.arange(13), None, layout)
        .isfinite()
        .all()
    )
    assert made == [6], "causal attention needs none"


def test_a_model_that_sees_all_writes_nothing() -> None:
    with pytest.raises(PretraceError, match="it writes no text and has no perplexity; `causal` and `banded` models do"):
        Transformer(settings_of(1, 8, 2, 8), 20).decoder(1, 8)


def test_added_tokens_have_a_bias() -> None:
    model = Transformer(settings_of(1, 8, 2, 8), 20)
    model.add_tokens(3, torch.Generator())
    assert model(torch.tensor([[22, 1]])).shape == (1, 2, 23)
    assert model.output_bias is not None and model.output_bias.requires_grad
