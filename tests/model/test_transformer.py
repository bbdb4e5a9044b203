"""The two language models, transformer and LSTM: what a position may see, what is tied, sizes, initial weights."""

from __future__ import annotations

import pytest
import torch

from pretrace.model import LSTM, Transformer
from pretrace.model.kernels.attention import attention
from pretrace.model.kernels.dropout import Dropout
from pretrace.settings import LSTMSettings, ModelSettings, Scale, read_yaml
from tests.helpers import REPOSITORY

VOCABULARY, CONTEXT = 50, 16
GPT_SETTINGS = ModelSettings(
    **{"layers": 2, "width": 16, "heads": 4, "feed_forward": 32, "context": CONTEXT},
    **{"dropout": 0.0, "embedding_dropout": "sum", "initial_std": 0.3},
)
LSTM_SETTINGS = LSTMSettings(layers=2, width=12, embedding=8, dropout=0.0, initial_std=0.3)


def model_of(kind: str, seed: int = 1) -> Transformer | LSTM:
    if kind == "transformer":
        return Transformer(GPT_SETTINGS, VOCABULARY, seed)
    return LSTM(LSTM_SETTINGS, VOCABULARY, CONTEXT, seed)


def ids_of(rows: int, length: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(seed))


both = pytest.mark.parametrize("kind", ["transformer", "lstm"])


@both
@torch.no_grad()
def test_later_tokens_never_change_earlier_logits(kind: str) -> None:
    model, ids = model_of(kind), ids_of(3, CONTEXT)
    before = model(ids)
    assert before.shape == (3, CONTEXT, VOCABULARY)
    for place in range(CONTEXT):
        other = ids.clone()
        other[:, place] = (ids[:, place] + 1) % VOCABULARY
        after = model(other)
        assert torch.equal(before[:, :place], after[:, :place])
        assert not torch.allclose(before[:, place:], after[:, place:])


@both
@torch.no_grad()
def test_earlier_tokens_reach_every_later_logit(kind: str) -> None:
    model, ids = model_of(kind), ids_of(1, CONTEXT)
    other = ids.clone()
    other[:, 0] = (ids[:, 0] + 1) % VOCABULARY
    moved = (model(ids) - model(other)).abs().amax(-1)[0]
    assert (moved > 0).all()


@both
@torch.no_grad()
def test_prefix_has_the_logits_of_the_whole_sequence(kind: str) -> None:
    model, ids = model_of(kind), ids_of(2, CONTEXT)
    for length in (1, 2, CONTEXT - 1):
        torch.testing.assert_close(model(ids[:, :length]), model(ids)[:, :length])


@both
def test_dropout_applies_only_if_passed(kind: str) -> None:
    model, ids = model_of(kind), ids_of(2, CONTEXT)
    assert torch.equal(model.hidden(ids), model.hidden(ids))
    first = model.hidden(ids, Dropout(0.5, 1, 0, range(2)))
    assert not torch.equal(first, model.hidden(ids))
    assert not torch.equal(first, model.hidden(ids, Dropout(0.5, 1, 1, range(2))))
    assert torch.equal(first, model.hidden(ids, Dropout(0.5, 1, 0, range(2))))
    weights = [model.output_weight(Dropout(0.5, 1, 0, range(2))) for _ in range(2)]
    assert torch.equal(*weights)


@torch.no_grad()
def test_dropout_applies_to_attention_weights() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k = (torch.randn(2, 2, 6, 6, generator=generator) for _ in range(2))
    v = torch.eye(6).expand(2, 2, 6, 6)  # so what comes out are the weights
    weights, found = attention(q, k, v), attention(q, k, v, Dropout(0.25, 1, 0, range(2)))
    kept = found != 0
    torch.testing.assert_close(found, torch.where(kept, weights / 0.75, 0.0))
    assert not kept[:, :, 3:, :3].all()


def with_embedding_dropout(where: str) -> Transformer:
    return Transformer(GPT_SETTINGS.model_copy(update={"embedding_dropout": where}), VOCABULARY, 1)


def test_table_dropout_also_applies_to_the_output() -> None:
    """Seen where the first block begins, before any other dropout; positions are nothing here."""
    model = with_embedding_dropout("table")
    torch.nn.init.zeros_(model.position_embedding.weight)
    inputs: list[torch.Tensor] = []
    model.blocks[0].register_forward_pre_hook(lambda block, given: inputs.append(given[0]))
    ids = torch.arange(CONTEXT)[None].repeat(2, 1)
    dropout = Dropout(0.25, 1, 0, range(len(ids)))
    model.hidden(ids, dropout)
    output = model.output_weight(dropout)
    table = model.token_embedding.weight
    kept = output != 0
    torch.testing.assert_close(output, torch.where(kept, table / 0.75, 0.0))
    assert 0.7 < kept.float().mean() < 0.8
    assert torch.equal(inputs[0][0], output[:CONTEXT])
    assert torch.equal(inputs[0][1], output[:CONTEXT])  # a token has the same holes wherever it stands


def test_sum_dropout_leaves_the_output_unchanged() -> None:
    model = with_embedding_dropout("sum")
    inputs: list[torch.Tensor] = []
    model.blocks[0].register_forward_pre_hook(lambda block, given: inputs.append(given[0]))
    ids = torch.arange(CONTEXT)[None].repeat(2, 1)
    dropout = Dropout(0.25, 1, 0, range(len(ids)))
    model.hidden(ids, dropout)
    output = model.output_weight(dropout)
    assert torch.equal(output, model.token_embedding.weight)
    whole = model.token_embedding(ids) + model.position_embedding.weight
    kept = inputs[0] != 0
    torch.testing.assert_close(inputs[0], torch.where(kept, whole / 0.75, 0.0))
    assert not torch.equal(kept[0], kept[1])  # each place has its own


@torch.no_grad()
def test_embedding_dropout_setting_is_idle_without_dropout() -> None:
    ids = ids_of(3, CONTEXT)
    one, other = (with_embedding_dropout(where) for where in ("sum", "table"))
    assert torch.equal(one.hidden(ids), other.hidden(ids))
    assert torch.equal(one.output_weight(), other.output_weight())


@pytest.mark.parametrize("where", ["sum", "table"])
def test_table_gradients_come_through_input_and_output(where: str) -> None:
    model, ids = with_embedding_dropout(where), ids_of(1, 8)
    dropout = Dropout(0.25, 1, 0, range(len(ids)))
    h, output = model.hidden(ids, dropout), model.output_weight(dropout)
    table = model.token_embedding.weight
    read = sorted(set(ids.flatten().tolist()))
    unread = sorted(set(range(VOCABULARY)) - set(read))
    weights = torch.randn(VOCABULARY, model.width, generator=torch.Generator().manual_seed(1))
    (through_input,) = torch.autograd.grad(h.square().mean() + h[..., 0].sum(), table, retain_graph=True)
    assert (through_input[read].abs().sum(1) > 0).all()
    assert (through_input[unread] == 0).all()
    (through_output,) = torch.autograd.grad((output * weights).sum(), table)
    holes = torch.ones_like(output) if where == "sum" else (output != 0) / 0.75
    torch.testing.assert_close(through_output, weights * holes)


@both
def test_output_is_tied_to_the_token_embeddings(kind: str) -> None:
    model, ids = model_of(kind), ids_of(2, 5)
    logits = model(ids)
    h, output = model.hidden(ids), model.output_weight()
    assert torch.equal(output, model.token_embedding.weight)
    torch.testing.assert_close(logits, model.output_states(h) @ model.token_embedding.weight.T)
    assert all(VOCABULARY not in p.shape for name, p in model.named_parameters() if name != "token_embedding.weight")
    logits.sum().backward()
    unread = sorted(set(range(VOCABULARY)) - set(ids.flatten().tolist()))
    assert (model.token_embedding.weight.grad[unread].abs().sum(1) > 0).all()


@both
def test_initial_weights_are_a_pure_function_of_the_seed(kind: str) -> None:
    torch.manual_seed(0)
    first = model_of(kind, 5).state_dict()
    torch.manual_seed(1)
    torch.randn(10)
    again, other = model_of(kind, 5).state_dict(), model_of(kind, 6).state_dict()
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert all(not torch.equal(first[name], other[name]) for name in first if first[name].dim() > 1)


@both
def test_initial_weights_are_those_of_the_paper(kind: str) -> None:
    for name, parameter in model_of(kind).state_dict().items():
        if parameter.dim() > 1:
            assert abs(float(parameter.std()) - 0.3) < 4 * 0.3 / (2 * parameter.numel()) ** 0.5, name
            assert abs(float(parameter.mean())) < 4 * 0.3 / parameter.numel() ** 0.5, name
        elif name.endswith("weight"):
            assert (parameter == 1).all(), name
        else:
            assert (parameter == 0).all(), name


def test_gpt1_has_the_parameter_count_of_the_released_model() -> None:
    scale = Scale.model_validate(read_yaml(REPOSITORY / "scales" / "gpt1.yaml"))
    with torch.device("meta"):
        model = Transformer(scale.model, scale.vocabulary.size)
    counts = {name: parameter.numel() for name, parameter in model.named_parameters()}
    assert sum(counts.values()) == 116_534_784
    tables = counts["token_embedding.weight"] + counts["position_embedding.weight"]
    assert tables == (40_478 + 512) * 768
    assert sum(counts.values()) - tables == 85_054_464
    assert len(counts) == 2 + 12 * 12
