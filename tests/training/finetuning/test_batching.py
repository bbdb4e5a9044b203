"""Batches: an order is a permutation; packing and a shared beginning change no loss, no gradient and no score."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from pretrace.model.kernels.dropout import Dropout
from pretrace.model.packed_sequences import PaddedBatch
from pretrace.tasks.rows.encoded import EncodedSplit
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tasks.rows.targets import LabelScale
from pretrace.training.engine.device import choose_device
from pretrace.training.finetuning import batching
from pretrace.training.finetuning.batching import Batch, Examples, common_beginning, epoch_order
from pretrace.training.finetuning.predictions import predict
from pretrace.training.finetuning.task_head import TaskModel
from pretrace.training.finetuning.trainer import example_losses
from tests.helpers.small_finetuning import PARTS, VOCABULARY, recipe_of, split_of, task_model

CHOICE = KINDS["multiple_choice"]
FORM = InputFormat.delimiters(VOCABULARY, 24)
every_kind = pytest.mark.parametrize("kind", PARTS)


def losses(
    model: TaskModel, examples: Examples, chosen: np.ndarray, labels: np.ndarray, rate: float = 0.0
) -> tuple[torch.Tensor, ...]:
    recipe, device, batch = recipe_of(model.kind.name), choose_device("float32", 1), examples.batch(chosen)
    target = torch.from_numpy(model.kind.targets(labels, recipe.outputs, LabelScale()))
    return example_losses(model, batch, target[chosen], recipe.lm_weight, device, batch.dropout(rate, 5, 6))


def plain_losses(
    model: TaskModel, examples: Examples, chosen: np.ndarray, labels: np.ndarray, rate: float = 0.0
) -> tuple[torch.Tensor, ...]:
    """As one would write them: with dropout each sequence alone, without it all padded to the longest."""
    recipe = recipe_of(model.kind.name)
    sequences = [sequence for i in chosen for sequence in examples.sequences[i]]
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    ids = torch.zeros(len(sequences), int(lengths.max()), dtype=torch.int64)
    for row, sequence in zip(ids, sequences, strict=True):
        row[: len(sequence)] = torch.from_numpy(sequence)
    dropouts = [Dropout(rate, 5, 6, [number]) for number in range(len(sequences))] if rate else []
    if rate:
        found = [model.language_model.hidden(ids[i : i + 1, : lengths[i]], d) for i, d in enumerate(dropouts)]
        states = [h[0] for h in found]
        outputs = [model.language_model.output_weight(dropout) for dropout in dropouts]
    else:
        h, output = model.language_model.hidden(ids), model.language_model.output_weight()
        states, outputs = [row[:n] for row, n in zip(h, lengths, strict=True)], [output] * len(sequences)
    each = []
    for h, output, row in zip(states, outputs, ids, strict=True):
        logits = model.language_model.output_states(h[:-1]) @ output.T
        each.append(F.cross_entropy(logits, row[1 : len(h)]))
    ends = torch.stack([h[-1] for h in states]).view(len(chosen), -1, states[0].shape[1])
    if rate:  # the choices of an example, or both orders of a pair, have the dropout of the first
        used = [d(torch.ones(1, 1, ends.shape[2])) for d in dropouts]
        per_example = len(sequences) // len(chosen)
        summed = ends.sum(1, keepdim=True) if model.kind.symmetric else ends
        scores = model.classifier(summed * torch.stack(used[::per_example])[:, 0])
        scores = scores.squeeze(2) if model.kind.chooses else scores.squeeze(1)
    else:
        scores = model.logits(ends)
    target = torch.from_numpy(model.kind.targets(labels, recipe.outputs, LabelScale()))[torch.from_numpy(chosen)]
    task = F.mse_loss(scores[:, 0], target) if model.kind.numeric else F.cross_entropy(scores, target)
    return task, torch.stack(each).mean()


def gradients(model: TaskModel, of: Callable[..., tuple[torch.Tensor, ...]], *args: Any) -> tuple[list, list]:
    model.zero_grad()
    task, language = of(model, *args)
    (task + 0.5 * language).backward()
    return [task.detach(), language.detach()], [parameter.grad.clone() for parameter in model.parameters()]


@pytest.mark.slow
@every_kind
@pytest.mark.parametrize("name", ["transformer", "lstm", "relative"])
@pytest.mark.parametrize("rate", [0.0, 0.3])
@pytest.mark.parametrize("longest", [9, 40])
def test_packed_batch_has_the_losses_and_gradients_of_a_plain_one(
    kind: str, name: str, rate: float, longest: int
) -> None:
    """The task's loss, and per sequence the mean over its tokens, then the mean over sequences (released code).

    With dropout, too: a sequence has its own masks, whatever is beside it.
    """
    model, split, chosen = task_model(kind, 180, name), split_of(kind, 7, longest), np.array([4, 0, 2, 5, 1])
    # Choices behind one context have its dropout in common, and are then no sum of sequences alone.
    attends = name == "transformer" and not (rate and kind == "multiple_choice")
    examples = Examples(split, KINDS[kind], InputFormat.delimiters(VOCABULARY, 180), attends)
    expected, plain = gradients(model, plain_losses, examples, chosen, split.labels, rate)
    found, packed = gradients(model, losses, examples, chosen, split.labels, rate)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    for a, b in zip(packed, plain, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["entailment", "multiple_choice"])
@pytest.mark.parametrize("waste", [0, 1 << 40])
@pytest.mark.parametrize("rate", [0.0, 0.3])
@pytest.mark.parametrize("longest", [9, 80])
def test_grouping_changes_no_loss_or_gradient(
    kind: str, waste: int, rate: float, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sequence by itself, or all in one padded group; of more and of fewer than 128 tokens."""
    model, split, chosen = task_model(kind, 400), split_of(kind, 6, longest), np.arange(6)
    examples = Examples(split, KINDS[kind], InputFormat.delimiters(VOCABULARY, 400), attends=True)
    expected, one = gradients(model, losses, examples, chosen, split.labels, rate)
    before = len(examples.batch(chosen).layout.batches)
    monkeypatch.setattr(batching, "WASTE", waste)
    monkeypatch.setattr(batching, "ROUND", 1)
    lengths = set(examples.unit_lengths().tolist())
    assert len(examples.batch(chosen).layout.batches) == (1 if waste else len(lengths))
    assert 1 <= before <= 6
    found, other = gradients(model, losses, examples, chosen, split.labels, rate)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["classification", "multiple_choice"])
def test_bfloat16_differs_by_rounding_only(kind: str) -> None:
    model, split, chosen = task_model(kind, 400), split_of(kind, 6, 80), np.arange(6)
    examples = Examples(split, KINDS[kind], InputFormat.delimiters(VOCABULARY, 400), attends=True)
    batch, target = examples.batch(chosen), torch.from_numpy(split.labels)
    for rate in (0.0, 0.3):
        found = [
            example_losses(model, batch, target, 0.5, choose_device(dtype, 1), batch.dropout(rate, 1, 2))
            for dtype in ("float32", "bfloat16")
        ]
        torch.testing.assert_close(*[torch.stack(pair) for pair in found], rtol=0.02, atol=0.02)


@pytest.mark.parametrize("context", [24, 12])
def test_shared_context_changes_no_loss_gradient_or_prediction(context: int) -> None:
    """Also where contexts were cut to different lengths, so that less is shared."""
    split, chosen = split_of("multiple_choice", 12), np.arange(12)
    model, found = task_model("multiple_choice", context), []
    for attends in (False, True):
        examples = Examples(split, CHOICE, InputFormat.delimiters(VOCABULARY, context), attends)
        size = int(examples.unit_lengths().sum())
        assert size <= examples.batch(chosen).ids_N.numel() < size + 16
        predictions = predict(model, examples, choose_device("float32", 1)).values_E
        found.append((*gradients(model, losses, examples, chosen, split.labels), predictions, size))
    (losses_a, gradients_a, predictions_a, size_a), (losses_b, gradients_b, predictions_b, size_b) = found
    torch.testing.assert_close(losses_a, losses_b, rtol=1e-5, atol=1e-6)
    for a, b in zip(gradients_a, gradients_b, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    assert predictions_a.tolist() == predictions_b.tolist()
    assert size_b < size_a


@pytest.mark.slow
@given(st.integers(0, 1000), st.integers(2, 5), st.integers(1, 12))
def test_shared_context_keeps_the_weight_of_every_token(seed: int, choices: int, longest: int) -> None:
    random = np.random.default_rng(seed)
    parts = [random.integers(0, 4, random.integers(1, longest + 1)) for _ in range(6 * (choices + 1))]
    split = EncodedSplit(np.concatenate(parts), np.cumsum([0, *map(len, parts)]), np.zeros(6, np.int64), choices + 1)
    alone, shared = (
        Examples(split, CHOICE, InputFormat.delimiters(4, 16), flag).batch(np.arange(6)) for flag in (False, True)
    )
    assert float(shared.weights_K.sum()) == pytest.approx(1.0, abs=1e-5)
    for batch in (alone, shared):
        assert (batch.ids_N[batch.classify_ES] == 6).all()  # the classify token
        totals = np.zeros(7)
        np.add.at(totals, batch.targets_K.numpy(), batch.weights_K.numpy())
        if batch is alone:
            expected = totals
    np.testing.assert_allclose(totals, expected, atol=1e-5)
    assert int(shared.layout.positions_N.max()) < 16
    for group in shared.layout.batches:
        assert group.mask_BTT is not None
        assert group.mask_BTT.any(2).all()  # what sees nothing has no softmax
        itself = group.mask_BTT.diagonal(dim1=1, dim2=2)
        assert all(row[:length].all() for row, length in zip(itself, group.lengths, strict=True))


@pytest.mark.slow
@given(st.lists(st.integers(0, 60), min_size=1, max_size=40), st.booleans())
def test_groups_hold_every_token_once(lengths: list[int], attends: bool) -> None:
    ids = np.arange(sum(lengths))
    offsets = np.cumsum([0, *lengths])
    split = EncodedSplit(ids, offsets, np.zeros(len(lengths), np.int64), 1)
    batch = Examples(split, KINDS["classification"], InputFormat.delimiters(10_000, 64), attends).batch(
        np.arange(len(lengths))
    )
    assert sorted(number for group in batch.layout.batches for number in group.sequences) == list(range(len(lengths)))
    rows = [row[:n].tolist() for g, x in grouped(batch) for row, n in zip(x, g.lengths, strict=True)]
    expected = [[10_000, *ids[a:b], 10_002] for a, b in pairwise(offsets)]
    numbers = [number for group in batch.layout.batches for number in group.sequences]
    assert [rows[numbers.index(i)] for i in range(len(lengths))] == expected
    assert torch.equal(batch.layout.map_batches(batch.ids_N[:, None], lambda x, _: x)[:, 0], batch.ids_N)
    assert len(batch.ids_N) % 16 == len(batch.places_K) % 16 == 0
    count = sum(lengths) + len(lengths)  # what is predicted: all but the start
    assert (batch.weights_K[:count] > 0).all() and not batch.weights_K[count:].any()
    assert torch.equal(batch.ids_N[batch.classify_ES[:, 0]], torch.full((len(lengths),), 10_002))
    assert torch.equal(batch.ids_N[batch.places_K[:count] + 1], batch.targets_K[:count])


def grouped(batch: Batch) -> list[tuple[PaddedBatch, torch.Tensor]]:
    """Each group with its ids as a padded batch."""
    found: list[tuple[PaddedBatch, torch.Tensor]] = []

    def keep(x: torch.Tensor, group: PaddedBatch) -> torch.Tensor:
        found.append((group, x[:, :, 0]))
        return x

    batch.layout.map_batches(batch.ids_N[:, None], keep)
    return found


def test_choices_do_not_see_each_other() -> None:
    model = task_model("multiple_choice")
    split = split_of("multiple_choice", 1)
    chosen, labels = np.arange(1), split.labels
    examples = Examples(split, CHOICE, FORM, attends=True)
    batch = examples.batch(chosen)
    h = model.language_model.hidden(batch.ids_N, None, batch.layout)
    first_choice = int(batch.classify_ES[0, 0])
    other = batch.ids_N.clone()
    other[first_choice] = (other[first_choice] + 1) % VOCABULARY
    moved = model.language_model.hidden(other, None, batch.layout)
    assert (h != moved).any(-1).nonzero().flatten().tolist() == [first_choice]
    assert losses(model, examples, chosen, labels)[0].isfinite()


def test_context_is_shared_only_for_choices_and_attention() -> None:
    assert task_model("multiple_choice").language_model.attends
    assert not task_model("multiple_choice", model="lstm").language_model.attends
    for kind in set(PARTS) - {"multiple_choice"}:
        layout = Examples(split_of(kind), KINDS[kind], FORM, attends=True).batch(np.arange(2)).layout
        assert all(group.mask_BTT is None for group in layout.batches)


def test_common_beginning_leaves_each_sequence_a_token() -> None:
    rows = [np.array(row) for row in ([1, 2, 3, 9], [1, 2, 4, 9], [1, 2, 3, 5, 9])]
    assert common_beginning(rows) == 2
    assert common_beginning([rows[0], rows[0]]) == 3
    assert common_beginning([np.array([7, 9]), np.array([8, 9])]) == 0


def test_batch_moves_to_another_device() -> None:
    batch = Examples(split_of("multiple_choice"), CHOICE, FORM, attends=True).batch(np.arange(3))
    moved = batch.to("meta")
    assert moved.ids_N.shape == batch.ids_N.shape
    for group in moved.layout.batches:
        assert group.mask_BTT is not None and group.mask_BTT.device.type == "meta"
        assert group.index_M is None or group.index_M.device.type == "meta"
    assert moved.layout.positions_N.device.type == moved.weights_K.device.type == "meta"
    assert batch.to("cpu") is batch


# The order of examples.


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 5), st.integers(0, 5))
def test_epoch_order_is_a_permutation(count: int, batch_size: int, seed: int, epoch: int) -> None:
    batches = epoch_order(count, batch_size, seed, epoch)
    seen = np.concatenate(batches)
    assert len(set(seen.tolist())) == len(seen)
    assert set(seen.tolist()) <= set(range(count))
    if count < batch_size:
        assert [len(batch) for batch in batches] == [count]
    else:
        assert [len(batch) for batch in batches] == [batch_size] * (count // batch_size)
    np.random.default_rng().random()  # a pure function: nothing else has a part in it
    assert [b.tolist() for b in epoch_order(count, batch_size, seed, epoch)] == [b.tolist() for b in batches]


def test_epoch_order_differs_by_seed_and_epoch() -> None:
    orders = {
        (seed, epoch): [b.tolist() for b in epoch_order(512, 8, seed, epoch)] for seed in (1, 2) for epoch in (0, 1)
    }
    assert len({str(order) for order in orders.values()}) == 4
    left_out = [set(range(515)) - set(np.concatenate(epoch_order(515, 8, 1, e)).tolist()) for e in range(4)]
    assert all(len(rest) == 3 for rest in left_out)
    assert left_out[0] != left_out[1]  # not always the same ones
