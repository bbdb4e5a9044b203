"""A task's head: padding, the order of a pair, and the order of choices change what they should and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pretrace.model import LSTM, Transformer
from pretrace.model.kernels.dropout import Dropout
from pretrace.settings import LSTMSettings, ModelSettings
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import KINDS
from pretrace.training.finetuning.task_head import TaskModel

VOCABULARY, CONTEXT = 30, 24
FORM = InputFormat.delimiters(VOCABULARY, CONTEXT)
REST = {"dropout": 0.0, "embedding_dropout": "sum"}
PARTS = {"classification": 1, "entailment": 2, "similarity": 2, "regression": 2, "multiple_choice": 5}
OUTPUTS = {"classification": 3, "entailment": 2, "similarity": 2, "regression": 1, "multiple_choice": 1}
every_kind = pytest.mark.parametrize("kind", PARTS)
both_models = pytest.mark.parametrize("model", ["transformer", "lstm"])


def task_model(kind: str, model: str = "transformer", seed: int = 4) -> TaskModel:
    if model == "transformer":
        settings = ModelSettings(layers=2, width=16, heads=2, feed_forward=32, context=CONTEXT, **REST, initial_std=0.3)
        return TaskModel(Transformer(settings, VOCABULARY, 1), KINDS[kind], OUTPUTS[kind], FORM, seed)
    settings = LSTMSettings(layers=1, width=16, embedding=8, dropout=0.0, initial_std=0.3)
    return TaskModel(LSTM(settings, VOCABULARY, CONTEXT, 1), KINDS[kind], OUTPUTS[kind], FORM, seed)


def example(kind: str, seed: int) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.integers(0, VOCABULARY, generator.integers(1, 9)) for _ in range(PARTS[kind])]


@torch.no_grad()
def scores(model: TaskModel, examples: list[list[np.ndarray]], more_padding: int = 0, filler: int = 0) -> torch.Tensor:
    sequences = [s for parts in examples for s in model.kind.sequences(parts, FORM)]
    lengths = np.array([len(sequence) for sequence in sequences])
    wide = np.full((len(sequences), lengths.max() + more_padding), filler)
    for row, sequence in zip(wide, sequences, strict=True):
        row[: len(sequence)] = sequence
    h = model.language_model.hidden(torch.from_numpy(wide))
    return model.logits(h[torch.arange(len(h)), torch.from_numpy(lengths) - 1].view(len(examples), -1, 16))


@pytest.mark.slow
@every_kind
@both_models
def test_padding_changes_no_logits(kind: str, model: str) -> None:
    head, examples = task_model(kind, model), [example(kind, seed) for seed in range(6)]
    together = scores(head, examples)
    assert together.shape == (6, 4 if kind == "multiple_choice" else OUTPUTS[kind])
    alone = torch.cat([scores(head, [one]) for one in examples])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together, scores(head, examples, 2, filler=29), rtol=1e-4, atol=1e-5)
    assert together.std(0).min() > 1e-3  # and examples do differ


@pytest.mark.parametrize("kind", ["similarity", "regression"])
@both_models
def test_order_of_a_symmetric_pair_changes_nothing(kind: str, model: str) -> None:
    head = task_model(kind, model)
    for seed in range(5):
        first, second = example(kind, seed)
        torch.testing.assert_close(scores(head, [[first, second]]), scores(head, [[second, first]]))


def test_order_of_premise_and_hypothesis_matters() -> None:
    head = task_model("entailment")
    first, second = example("entailment", 0)
    assert not torch.allclose(scores(head, [[first, second]]), scores(head, [[second, first]]), atol=1e-3)


def test_choice_has_its_logit_at_any_position() -> None:
    head = task_model("multiple_choice")
    context, *choices = example("multiple_choice", 0)
    order = [2, 0, 3, 1]
    found = scores(head, [[context, *choices]])
    moved = scores(head, [[context, *(choices[i] for i in order)]])
    torch.testing.assert_close(found[:, order], moved)


def test_choices_share_their_dropout_and_examples_do_not() -> None:
    head = task_model("multiple_choice")
    states = torch.randn(1, 1, 16, generator=torch.Generator().manual_seed(0)).expand(5, 4, 16)
    found = head.logits(states, Dropout(0.5, 1, 0, range(5 * 4)))
    assert torch.equal(found, found[:, :1].expand(5, 4))
    assert found[:, 0].unique().numel() > 1


def test_token_table_grows_by_the_special_tokens() -> None:
    settings = ModelSettings(layers=1, width=16, heads=2, feed_forward=32, context=8, **REST, initial_std=0.02)
    language_model = Transformer(settings, VOCABULARY, 1)
    before = language_model.token_embedding.weight.detach().clone()
    head = TaskModel(language_model, KINDS["classification"], 2, FORM, seed=4)
    table = head.language_model.token_embedding.weight
    assert table.shape == (VOCABULARY + 3, 16)
    assert table.requires_grad
    assert torch.equal(table[:VOCABULARY], before)
    assert 0.01 < table[VOCABULARY:].std().item() < 0.03
    assert 0.01 < head.classifier.weight.std().item() < 0.03
    assert (head.classifier.bias == 0).all()
    names = [name for name, _ in head.named_parameters()]
    assert names.count("language_model.token_embedding.weight") == 1
    assert len(names) == len(set(names)) == len(list(Transformer(settings, VOCABULARY).parameters())) + 2


def test_new_weights_are_a_pure_function_of_the_seed() -> None:
    states = []
    for noise, seed in ((0, 4), (1, 4), (0, 5)):
        torch.manual_seed(noise)
        states.append(task_model("entailment", seed=seed).state_dict())
    first, again, other = states
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["classifier.weight"], other["classifier.weight"])
