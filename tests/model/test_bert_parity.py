"""With BERT's settings our transformer is transformers' BERT with its head for masked tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM, BertForPreTraining

from pretrace.common.errors import PretraceError
from pretrace.model import Transformer
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.loss import next_token_loss
from pretrace.model.packed_sequences import Layout, PaddedBatch
from pretrace.settings import ModelSettings
from tests.helpers.parity import draw

BERT = {"attention": "full", "embedding_norm": True, "segments": 2, "output": "transform", "norm_epsilon": 1e-12}
PARTS = {
    "attention_output": "attention.output.dense",
    "norm_1": "attention.output.LayerNorm",
    "feed_forward_in": "intermediate.dense",
    "feed_forward_out": "output.dense",
    "norm_2": "output.LayerNorm",
}
WHOLE = {
    "token_embedding": "bert.embeddings.word_embeddings",
    "position_embedding": "bert.embeddings.position_embeddings",
    "segment_embedding": "bert.embeddings.token_type_embeddings",
    "embedding_norm": "bert.embeddings.LayerNorm",
    "output_dense": "cls.predictions.transform.dense",
    "output_norm": "cls.predictions.transform.LayerNorm",
    "output_bias": "cls.predictions",
    "pooler": "bert.pooler.dense",
    "next_sentence": "cls.seq_relationship",
}
BASE = (12, 768, 12, 512, 30_522)
TOLERANCE = 1e-4
Bert = BertForMaskedLM | BertForPreTraining


def settings_of(layers: int, width: int, heads: int, context: int, **others: Any) -> ModelSettings:
    return ModelSettings(
        **{"layers": layers, "width": width, "heads": heads, "feed_forward": 4 * width, "context": context},
        **{"dropout": 0.0, "embedding_dropout": "sum", "initial_std": 0.02} | BERT | others,
    )


def paired(
    ours: Transformer, theirs: Bert, of: Callable[[Tensor], Any] = lambda parameter: parameter
) -> list[tuple[str, Tensor, Tensor]]:
    """Each parameter of ours, or what `of` makes of it, with theirs; all of theirs are met."""
    left, found = dict(theirs.named_parameters()), []
    for name, parameter in ours.named_parameters():
        *path, part, kind = name.split(".") if "." in name else ["output_bias", "bias"]
        if part != "query_key_value":
            their_part = f"bert.encoder.layer.{path[1]}.{PARTS[part]}" if path else WHOLE[part]
            found.append((name, of(parameter), of(left.pop(f"{their_part}.{kind}"))))
            continue
        names = [f"bert.encoder.layer.{path[1]}.attention.self.{each}.{kind}" for each in ("query", "key", "value")]
        found += [(n, own, of(left.pop(n))) for n, own in zip(names, of(parameter).chunk(3), strict=True)]
    assert not left
    return found


def bert(ours: Transformer) -> Bert:
    """Transformers' model with the weights of ours."""
    settings = ours.settings
    config = BertConfig(
        **{"vocab_size": ours.vocabulary_size, "hidden_size": settings.width, "num_hidden_layers": settings.layers},
        **{"num_attention_heads": settings.heads, "intermediate_size": settings.feed_forward},
        **{
            "max_position_embeddings": settings.context,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        },
        hidden_act={"gelu_tanh": "gelu_new", "gelu": "gelu"}[settings.activation],
    )
    theirs = (BertForPreTraining if settings.next_sentence else BertForMaskedLM)(config).eval()
    with torch.no_grad():
        for _, own, other in paired(ours, theirs):
            other.copy_(own)
    return theirs


@pytest.mark.parametrize("next_sentence", [False, True])
@pytest.mark.parametrize("activation", ["gelu_tanh", "gelu"])
@pytest.mark.parametrize("sizes", [(3, 64, 4, 32, 90), pytest.param(BASE, marks=pytest.mark.slow)])
def test_logits_loss_and_gradients_match_transformers(
    sizes: tuple[int, ...], activation: str, next_sentence: bool
) -> None:
    *model_sizes, size = sizes
    ours = Transformer(settings_of(*model_sizes, activation=activation, next_sentence=next_sentence), size)
    draw(ours, seed=1)
    theirs = bert(ours)
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
    # At full size gradients of their own in float32 differ from those in float64 by up to 4e-3 of the largest.
    limit = TOLERANCE if size < 100 else 5e-3
    for name, own, other in paired(ours, theirs, lambda parameter: parameter.grad):
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


def test_a_model_that_sees_all_writes_nothing() -> None:
    with pytest.raises(PretraceError, match="it writes no text; `causal` and `banded` models do"):
        Transformer(settings_of(1, 8, 2, 8), 20).next_token_logits()


def test_added_tokens_have_a_bias() -> None:
    model = Transformer(settings_of(1, 8, 2, 8), 20)
    model.add_tokens(3, torch.Generator())
    assert model(torch.tensor([[22, 1]])).shape == (1, 2, 23)
    assert model.output_bias is not None and model.output_bias.requires_grad
