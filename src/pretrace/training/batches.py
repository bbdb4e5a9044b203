"""Examples of a task as the model reads them: batches with little padding, and choices behind one shared context.

The choices of an example begin alike: start, context, delimiter. A transformer need not read that four times. In a
shared row the beginning stands once and the rest of each choice behind it, at the positions that it would have and
seeing only the beginning and itself, so every state is that of the sequence alone, up to rounding.

Shapes: N examples, S sequences each, R rows, L tokens a row, K predicted tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pretrace.model.gpt import Layout
from pretrace.tasks.formats import pad, sequences_of
from pretrace.tasks.rows import EncodedSplit

BUCKET_BATCHES = 8
"""Batches whose examples are sorted by length together: little padding, and still a shuffled order."""


@dataclass(frozen=True)
class Batch:
    """Some examples. Places are counted through the rows: row x L + token."""

    ids_RL: Tensor
    layout: Layout | None
    """None where each row is a sequence."""
    classify_NS: Tensor
    """Place of each sequence's classify token."""
    places_K: Tensor
    """Place of the state that a token is predicted from."""
    targets_K: Tensor
    """The token that is predicted."""
    weights_K: Tensor
    """Its weight: the mean over a sequence's tokens, and then over the sequences."""

    def to(self, device: str) -> Batch:
        """The same on another device."""
        if device == "cpu":
            return self
        layout = self.layout and Layout(self.layout.positions_BT.to(device), self.layout.seen_BTT.to(device))
        tensors = (self.classify_NS, self.places_K, self.targets_K, self.weights_K)
        return Batch(self.ids_RL.to(device), layout, *(tensor.to(device) for tensor in tensors))


class Examples:
    """A split in a task's input format, ready to be batched.

    Args:
        shared: whether choices stand behind one context; only a model with attention can read them so.
    """

    def __init__(
        self, split: EncodedSplit, kind: str, vocabulary_size: int, context: int, shared: bool = False
    ) -> None:
        self.shared = shared and kind == "multiple_choice"
        self.sequences = [sequences_of(kind, split.row(i), vocabulary_size, context) for i in range(len(split))]
        self.beginnings = [common_beginning(sequences) if self.shared else 0 for sequences in self.sequences]
        self.lengths = np.array(
            [
                start + sum(len(s) - start for s in sequences) if self.shared else max(len(s) for s in sequences)
                for start, sequences in zip(self.beginnings, self.sequences, strict=True)
            ]
        )

    def unit_lengths(self, chosen: np.ndarray | None = None) -> np.ndarray:
        """Tokens of what is read as one: a sequence, or an example whose choices share their beginning."""
        if self.shared:
            return self.lengths if chosen is None else self.lengths[chosen]
        groups = self.sequences if chosen is None else [self.sequences[i] for i in chosen]
        return np.array([len(sequence) for group in groups for sequence in group])

    def batch(self, chosen: np.ndarray) -> Batch:
        """The examples of these numbers."""
        groups = [self.sequences[i] for i in chosen]
        if self.shared:
            return _shared_batch(groups, [self.beginnings[i] for i in chosen])
        ids, lengths = pad([sequence for group in groups for sequence in group])
        longest = ids.shape[1]
        first = np.arange(len(ids)) * longest
        predicted = np.arange(1, longest) < lengths[:, None]
        weights = predicted / ((lengths[:, None] - 1) * len(ids))
        return Batch(
            torch.from_numpy(ids),
            None,
            torch.from_numpy(first + lengths - 1).view(len(groups), -1),
            torch.from_numpy((first[:, None] + np.arange(longest - 1))[predicted]),
            torch.from_numpy(ids[:, 1:][predicted]),
            torch.from_numpy(weights[predicted].astype(np.float32)),
        )


def common_beginning(sequences: list[np.ndarray]) -> int:
    """How many ids the sequences begin with in common; each keeps at least one of its own."""
    shortest = min(len(sequence) for sequence in sequences) - 1
    same = np.ones(shortest, bool)
    for sequence in sequences[1:]:
        same &= sequence[:shortest] == sequences[0][:shortest]
    return shortest if same.all() else int(same.argmin())


def _shared_batch(groups: list[list[np.ndarray]], beginnings: list[int]) -> Batch:
    """A row an example: the beginning, then what is each sequence's own, padded on the right."""
    count = len(groups) * len(groups[0])
    length = max(b + sum(len(s) - b for s in group) for group, b in zip(groups, beginnings, strict=True))
    ids, positions, owners = (np.zeros((len(groups), length), np.int64) for _ in range(3))
    classify = np.zeros((len(groups), len(groups[0])), np.int64)
    places, targets, weights = [], [], []
    for row, (group, beginning) in enumerate(zip(groups, beginnings, strict=True)):
        offset = row * length
        ids[row, :beginning] = group[0][:beginning]
        positions[row, :beginning] = np.arange(beginning)
        each = [1 / ((len(sequence) - 1) * count) for sequence in group]
        places.append(offset + np.arange(beginning - 1))
        targets.append(group[0][1:beginning])
        weights.append(np.full(beginning - 1, sum(each)))
        end = beginning
        for number, sequence in enumerate(group):
            own = sequence[beginning:]
            here = np.arange(end, end + len(own))
            ids[row, here], positions[row, here] = own, beginning + np.arange(len(own))
            owners[row, here] = number + 1
            places.append(offset + np.concatenate([[beginning - 1], here[:-1]]))
            targets.append(own)
            weights.append(np.full(len(own), each[number]))
            end += len(own)
            classify[row, number] = offset + end - 1
        owners[row, end:] = len(group) + 1  # padding sees the beginning, and nobody sees it
    by, of = owners[:, :, None], owners[:, None, :]
    seen = ((of == 0) | (of == by)) & np.tri(length, dtype=bool)
    return Batch(
        torch.from_numpy(ids),
        Layout(torch.from_numpy(positions), torch.from_numpy(seen)),
        torch.from_numpy(classify),
        torch.from_numpy(np.concatenate(places)),
        torch.from_numpy(np.concatenate(targets)),
        torch.from_numpy(np.concatenate(weights).astype(np.float32)),
    )


def epoch_order(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Batches of example numbers: a pure function of (seed, epoch), examples of like length together.

    An incomplete last batch is dropped, as in the released code, unless it is the only one.
    """
    generator = np.random.Generator(np.random.Philox(key=[seed, epoch]))
    order = generator.permutation(len(lengths))
    order = order[: max(1, len(order) // batch_size) * batch_size]
    batches = []
    for first in range(0, len(order), batch_size * BUCKET_BATCHES):
        group = order[first : first + batch_size * BUCKET_BATCHES]
        group = group[np.argsort(lengths[group], kind="stable")]
        batches += [group[i : i + batch_size] for i in range(0, len(group), batch_size)]
    return [batches[i] for i in generator.permutation(len(batches))]
