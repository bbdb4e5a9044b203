"""Batches: an order is a permutation, padding and a shared beginning change no loss, no gradient and no score."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from test_finetune import recipe_of

from pretrace.model import GPT, LSTM
from pretrace.model.heads import TaskModel
from pretrace.settings import LSTMSettings, ModelSettings
from pretrace.tasks.rows import EncodedSplit
from pretrace.training.batches import Examples, common_beginning, epoch_order
from pretrace.training.devices import choose_device
from pretrace.training.finetune import example_losses
from pretrace.training.predictions import predict

VOCABULARY = 20
PARTS = {"classification": 1, "entailment": 2, "similarity": 2, "regression": 2, "multiple_choice": 5}
every_kind = pytest.mark.parametrize("kind", PARTS)


def task_model(kind: str, context: int = 24, model: str = "transformer") -> TaskModel:
    if model == "lstm":
        lstm = LSTMSettings(layers=1, width=16, embedding=8, dropout=0.0, initial_std=0.3)
        return TaskModel(LSTM(lstm, VOCABULARY, context, 1), kind, 1, 3, seed=4)
    settings = ModelSettings(
        **{"layers": 2, "width": 16, "heads": 2, "feed_forward": 32, "context": context},
        **{"dropout": 0.0, "embedding_dropout": "sum", "initial_std": 0.3},
    )
    return TaskModel(GPT(settings, VOCABULARY, 1), kind, recipe_of(kind).outputs, 3, seed=4)


def split_of(kind: str, count: int = 7, longest: int = 9, seed: int = 0) -> EncodedSplit:
    random = np.random.default_rng(seed)
    parts = [random.integers(0, VOCABULARY, random.integers(1, longest)) for _ in range(count * PARTS[kind])]
    labels = np.arange(count) % 2
    return EncodedSplit(
        np.concatenate(parts).astype(np.uint16),
        np.cumsum([0, *map(len, parts)]),
        labels.astype(np.float32) if kind == "regression" else labels,
        PARTS[kind],
    )


def losses(model: TaskModel, examples: Examples, chosen: np.ndarray, labels: np.ndarray) -> tuple[torch.Tensor, ...]:
    recipe, device = recipe_of(model.kind), choose_device("float32", 1)
    return example_losses(model, examples.batch(chosen), torch.from_numpy(labels[chosen]), recipe, device)


@every_kind
def test_the_losses_are_those_of_the_paper(kind: str) -> None:
    """The task's loss, and per sequence the mean over its tokens, then the mean over sequences (released code)."""
    model, split = task_model(kind), split_of(kind)
    examples = Examples(split, kind, VOCABULARY, 24, shared=True)
    chosen = np.array([4, 0, 2])
    states, lm_losses = [], []
    for i in chosen:
        for sequence in examples.sequences[i]:
            ids = torch.from_numpy(sequence)[None]
            h, output = model.language_model.hidden(ids)
            states.append(h[0, -1])
            lm_losses.append(F.cross_entropy(h[0, :-1] @ output.T, ids[0, 1:]))
    scores = model.scores(torch.stack(states).view(3, -1, 16))
    target = torch.from_numpy(split.labels[chosen])
    expected = F.mse_loss(scores[:, 0], target) if kind == "regression" else F.cross_entropy(scores, target)
    task_loss, lm_loss = losses(model, examples, chosen, split.labels)
    torch.testing.assert_close(task_loss, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(lm_loss, torch.stack(lm_losses).mean(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("context", [24, 12])
def test_a_shared_context_changes_no_loss_gradient_or_prediction(context: int) -> None:
    """Also where contexts were cut to different lengths, so that less is shared."""
    split, chosen = split_of("multiple_choice", 12), np.arange(12)
    found = []
    for shared in (False, True):
        model = task_model("multiple_choice", context)
        examples = Examples(split, "multiple_choice", VOCABULARY, context, shared)
        batch = examples.batch(chosen)
        assert (batch.layout is not None) == shared
        task_loss, lm_loss = losses(model, examples, chosen, split.labels)
        (task_loss + lm_loss).backward()
        gradients = [parameter.grad for parameter in model.parameters()]
        predictions = predict(model, examples, choose_device("float32", 1))
        found.append((task_loss, lm_loss, gradients, predictions, batch.ids_RL.numel()))
    (task_a, lm_a, gradients_a, predictions_a, size_a), (task_b, lm_b, gradients_b, predictions_b, size_b) = found
    torch.testing.assert_close(task_a, task_b, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(lm_a, lm_b, rtol=1e-5, atol=1e-6)
    for a, b in zip(gradients_a, gradients_b, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    assert predictions_a.tolist() == predictions_b.tolist()
    assert size_b < size_a


@given(st.integers(0, 1000), st.integers(2, 5), st.integers(1, 12))
def test_every_token_is_predicted_with_the_weight_that_it_has_alone(seed: int, choices: int, longest: int) -> None:
    random = np.random.default_rng(seed)
    parts = [random.integers(0, 4, random.integers(1, longest + 1)) for _ in range(6 * (choices + 1))]
    split = EncodedSplit(np.concatenate(parts), np.cumsum([0, *map(len, parts)]), np.zeros(6, np.int64), choices + 1)
    alone, shared = (Examples(split, "multiple_choice", 4, 16, flag).batch(np.arange(6)) for flag in (False, True))
    assert float(shared.weights_K.sum()) == pytest.approx(1.0, abs=1e-5)
    for batch in (alone, shared):
        ids = batch.ids_RL.flatten()
        assert (ids[batch.classify_NS] == 6).all()  # the classify token
        totals = np.zeros(7)
        np.add.at(totals, batch.targets_K.numpy(), batch.weights_K.numpy())
        if batch is alone:
            expected = totals
    np.testing.assert_allclose(totals, expected, atol=1e-5)
    assert shared.layout is not None
    assert int(shared.layout.positions_BT.max()) < 16
    assert shared.layout.seen_BTT.diagonal(dim1=1, dim2=2).any(1).all()


def test_choices_do_not_see_each_other() -> None:
    model = task_model("multiple_choice")
    split = split_of("multiple_choice", 1)
    chosen, labels = np.arange(1), split.labels
    examples = Examples(split, "multiple_choice", VOCABULARY, 24, shared=True)
    batch = examples.batch(chosen)
    h, _ = model.language_model.hidden(batch.ids_RL, None, batch.layout)
    first_choice = int(batch.classify_NS[0, 0])
    other = batch.ids_RL.clone()
    other[0, first_choice] = (other[0, first_choice] + 1) % VOCABULARY
    moved, _ = model.language_model.hidden(other, None, batch.layout)
    changed = (h != moved).any(-1)[0].nonzero().flatten().tolist()
    assert changed == [first_choice]
    assert losses(model, examples, chosen, labels)[0].isfinite()


def test_only_choices_are_shared_and_only_by_a_transformer() -> None:
    assert task_model("multiple_choice").reads_shared
    assert not task_model("multiple_choice", model="lstm").reads_shared
    for kind in set(PARTS) - {"multiple_choice"}:
        assert Examples(split_of(kind), kind, VOCABULARY, 24, shared=True).batch(np.arange(2)).layout is None


def test_a_beginning_leaves_each_sequence_a_token() -> None:
    rows = [np.array(row) for row in ([1, 2, 3, 9], [1, 2, 4, 9], [1, 2, 3, 5, 9])]
    assert common_beginning(rows) == 2
    assert common_beginning([rows[0], rows[0]]) == 3
    assert common_beginning([np.array([7, 9]), np.array([8, 9])]) == 0


def test_a_batch_is_the_same_on_any_device() -> None:
    batch = Examples(split_of("multiple_choice"), "multiple_choice", VOCABULARY, 24, shared=True).batch(np.arange(3))
    moved = batch.to("meta")
    assert moved.ids_RL.shape == batch.ids_RL.shape
    assert moved.layout is not None and moved.layout.seen_BTT.device.type == "meta"
    assert batch.to("cpu") is batch


# The order of examples.


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 5), st.integers(0, 5), st.integers(0, 9))
def test_an_order_is_a_permutation_without_repeats(
    count: int, batch_size: int, seed: int, epoch: int, other: int
) -> None:
    lengths = np.random.default_rng(other).integers(1, 50, count)
    batches = epoch_order(lengths, batch_size, seed, epoch)
    seen = np.concatenate(batches)
    assert len(set(seen.tolist())) == len(seen)
    assert set(seen.tolist()) <= set(range(count))
    if count < batch_size:
        assert [len(batch) for batch in batches] == [count]
    else:
        assert [len(batch) for batch in batches] == [batch_size] * (count // batch_size)
    np.random.default_rng().random()  # a pure function: nothing else has a part in it
    assert [b.tolist() for b in epoch_order(lengths, batch_size, seed, epoch)] == [b.tolist() for b in batches]


def test_orders_differ_by_seed_and_pass_and_put_like_lengths_together() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 512)
    orders = {
        (seed, epoch): [b.tolist() for b in epoch_order(lengths, 8, seed, epoch)] for seed in (1, 2) for epoch in (0, 1)
    }
    assert len({str(order) for order in orders.values()}) == 4
    spread = np.mean([np.ptp(lengths[batch]) for batch in orders[1, 0]])
    assert spread < 0.4 * np.ptp(lengths)
    left_out = [set(range(515)) - set(np.concatenate(epoch_order(np.ones(515), 8, 1, e)).tolist()) for e in range(4)]
    assert all(len(rest) == 3 for rest in left_out)
    assert left_out[0] != left_out[1]  # not always the same ones
