"""Our transformer is GPT-1: logits, losses and gradients of transformers' models with the same weights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import OpenAIGPTConfig, OpenAIGPTDoubleHeadsModel, OpenAIGPTLMHeadModel

from pretrace.model import Transformer
from pretrace.settings import ModelSettings, Scale, read_yaml
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import KINDS
from pretrace.training.engine.device import Device
from pretrace.training.finetuning.task_head import TaskModel
from pretrace.training.objectives import MicroBatch
from pretrace.training.objectives.causal_lm import CausalLM
from tests.helpers import REPOSITORY
from tests.helpers.parity import GPT_BLOCK, draw, turned

PARTS = {"token_embedding": "tokens_embed", "position_embedding": "positions_embed", **GPT_BLOCK}
DROPOUTS = ("resid_pdrop", "embd_pdrop", "attn_pdrop", "summary_first_dropout")
PARAMETERS_OF_GPT1 = 116_534_784
TOLERANCE = 1e-4
"""Of logits: absolute, in float32. Of a gradient: relative to the largest number in the same parameter's gradient."""


def config_of(settings: ModelSettings, vocabulary_size: int) -> OpenAIGPTConfig:
    """The configuration with these sizes and transformers' own defaults for the rest; no dropout."""
    return OpenAIGPTConfig(
        vocab_size=vocabulary_size,
        n_positions=settings.context,
        n_embd=settings.width,
        n_layer=settings.layers,
        n_head=settings.heads,
        **dict.fromkeys(DROPOUTS, 0.0),
    )


def pairs(ours: Transformer, theirs: nn.Module) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Each parameter of ours with theirs; all of theirs are met."""
    left = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        *path, part, kind = name.split(".")
        other = left.pop(".".join([*(["h", path[1]] if path else []), PARTS[part], kind]))
        yield name, parameter, other
    assert not left


@torch.no_grad()
def copy_weights(ours: Transformer, theirs: nn.Module) -> None:
    for name, parameter, other in pairs(ours, theirs):
        other.copy_(turned(name, parameter))


def largest_difference_of_gradients(ours: Transformer, theirs: nn.Module) -> float:
    """The largest over all parameters, each relative to the largest number of theirs."""
    worst = 0.0
    for name, parameter, other in pairs(ours, theirs):
        assert parameter.grad is not None and other.grad is not None, name
        gradient = turned(name, parameter.grad)
        size = other.grad.abs().max()
        assert size > 0, name
        worst = max(worst, float((gradient - other.grad).abs().max() / size))
    return worst


@pytest.mark.slow
def test_full_size_logits_and_gradients_match_transformers() -> None:
    scale = Scale.model_validate(read_yaml(REPOSITORY / "scales" / "gpt1.yaml"))
    size = scale.vocabulary.size
    ours = Transformer(scale.model, size)
    assert (scale.model.layers, scale.model.width, scale.model.context, size) == (12, 768, 512, 40_478)
    assert sum(p.numel() for p in ours.parameters()) == PARAMETERS_OF_GPT1
    draw(ours, seed=1)
    theirs = OpenAIGPTLMHeadModel(config_of(scale.model, size)).eval()
    assert theirs.num_parameters() == PARAMETERS_OF_GPT1
    copy_weights(ours, theirs.transformer)
    ids = torch.randint(size, (2, 48), generator=torch.Generator().manual_seed(2))
    expected = theirs(ids, labels=ids)
    with torch.no_grad():
        logits = ours(ids)
    assert 1 < expected.logits.std() < 10
    assert (logits - expected.logits).abs().max() <= TOLERANCE
    batch = MicroBatch(ids, range(len(ids)), len(ids), seed=0, step=0)
    loss = CausalLM().loss(ours, batch, 0.0, Device("cpu", torch.float32, ""))
    assert (loss - expected.loss).abs() <= TOLERANCE
    loss.backward()
    expected.loss.backward()
    assert largest_difference_of_gradients(ours, theirs.transformer) <= TOLERANCE


def test_last_position_of_the_context_matches_transformers() -> None:
    settings = Scale.model_validate(read_yaml(REPOSITORY / "scales" / "gpt1.yaml")).model
    settings = settings.model_copy(update={"layers": 2, "width": 128, "heads": 2, "feed_forward": 512})
    ours = Transformer(settings, 50)
    draw(ours, seed=3)
    theirs = OpenAIGPTLMHeadModel(config_of(settings, 50)).eval()
    copy_weights(ours, theirs.transformer)
    ids = torch.randint(50, (1, settings.context), generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        assert (ours(ids) - theirs(ids).logits).abs().max() <= TOLERANCE


def test_layer_norm_epsilon_matches_transformers() -> None:
    """States so small that it matters."""
    settings = ModelSettings(
        **{"layers": 1, "width": 64, "heads": 4, "feed_forward": 256, "context": 24},
        **{"dropout": 0.1, "embedding_dropout": "table", "initial_std": 0.002},
    )
    ours = Transformer(settings, 50, seed=8)
    with torch.no_grad():
        ours.blocks[0].norm_1.weight.fill_(0.003)
    theirs = OpenAIGPTLMHeadModel(config_of(settings, 50)).eval()
    copy_weights(ours, theirs.transformer)
    ids = torch.randint(50, (2, 24), generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        states, expected = ours.hidden(ids), theirs.transformer(ids).last_hidden_state
    assert expected.std() < 0.8  # and not 1
    assert (states - expected).abs().max() <= TOLERANCE


def test_multiple_choice_matches_the_double_heads_model() -> None:
    """Sequences of one length, where the mean a sequence (the released code) is the mean over tokens (transformers)."""
    N, S, T, size, specials = 3, 4, 20, 60, 3
    settings = ModelSettings(
        **{"layers": 2, "width": 64, "heads": 4, "feed_forward": 256, "context": 24},
        **{"dropout": 0.1, "embedding_dropout": "table", "initial_std": 0.02},
    )
    form = InputFormat.delimiters(size, settings.context)
    model = TaskModel(Transformer(settings, size), KINDS["multiple_choice"], 1, form, seed=5)
    draw(model, seed=6)
    language_model = model.language_model
    assert isinstance(language_model, Transformer)
    theirs = OpenAIGPTDoubleHeadsModel(config_of(settings, size + specials)).eval()
    copy_weights(language_model, theirs.transformer)
    summary = theirs.multiple_choice_head.summary
    summary.load_state_dict(model.classifier.state_dict())

    random = torch.Generator().manual_seed(7)
    ids_NST = torch.randint(size, (N, S, T), generator=random)
    ids_NST[..., 0], ids_NST[..., 9] = size, size + 1
    classify_NS = torch.randint(10, T, (N, S), generator=random)
    ids_NST.scatter_(2, classify_NS[..., None], size + 2)
    answers_N = torch.tensor([2, 0, 3])
    expected = theirs(ids_NST, mc_token_ids=classify_NS, labels=ids_NST, mc_labels=answers_N)

    h_BTC, output_VC = language_model.hidden(ids_NST.view(-1, T)), language_model.output_weight()
    state_NSC = h_BTC[torch.arange(N * S), classify_NS.view(-1)].view(N, S, -1)
    scores_NS = model.classifier(state_NSC).squeeze(-1)
    logits_BTV = F.linear(h_BTC, output_VC)
    token_losses = F.cross_entropy(logits_BTV[:, :-1].mT, ids_NST.view(-1, T)[:, 1:], reduction="none")
    language_loss = token_losses.mean(1).mean()
    choice_loss = F.cross_entropy(scores_NS, answers_N)

    assert (logits_BTV.view_as(expected.logits) - expected.logits).abs().max() <= TOLERANCE
    assert (scores_NS - expected.mc_logits).abs().max() <= TOLERANCE
    assert (language_loss - expected.loss).abs() <= 1e-5
    assert (choice_loss - expected.mc_loss).abs() <= 1e-5
    (choice_loss + 0.5 * language_loss).backward()
    (expected.mc_loss + 0.5 * expected.loss).backward()
    assert largest_difference_of_gradients(language_model, theirs.transformer) <= TOLERANCE
    for ours, other in zip(model.classifier.parameters(), summary.parameters(), strict=True):
        assert ours.grad is not None and other.grad is not None
        # The bias is the same for all choices, so its gradient is zero but for rounding.
        assert (ours.grad - other.grad).abs().max() <= 1e-6
