"""Examples of a task as the model reads them: packed, so that padding costs nothing; choices behind one context.

Which examples are in a batch is drawn as in the released code, whatever their lengths. Inside a batch the sequences
stand one behind the other as one row of tokens (pretrace.model.packed_sequences), the longest first.

The choices of an example begin alike: start, context, delimiter. A causal transformer need not read that four times. In
a shared sequence the beginning stands once and the rest of each choice behind it, at the positions that it would have
and seeing only the beginning and itself, so every state is that of the sequence alone, up to rounding.

Where the classifier also reads how probable the texts are (`likelihoods`), a batch says which predicted tokens are of
which text, and has further sequences with a text alone (`TaskKind.alone`).

Shapes: E examples, S sequences each, U units (what is read as one: a sequence, or an example with a shared beginning),
N tokens, K predicted tokens, P texts of a sequence (1 or 2), A texts alone, T tokens of texts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pretrace.model.packed_sequences import Layout, PackedDropout, PaddedBatch
from pretrace.tasks.rows.encoded import EncodedSplit
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import TaskKind
from pretrace.training.finetuning.text_tokens import TextTokens, tokens_of_texts

WASTE = 1 << 14
"""Weights of padding in a head that cost as much as another group of sequences does: some hundred small operations."""
STEPS = 4
"""Sequences of padding for which it is worth that an LSTM goes through the steps of another group."""
ROUND = 8
"""Groups have so many sequences, and are as long, as a multiple of this says, unless sequences are long. A library that
makes code for each shape of a product (oneDNN) takes as long for that as for small products themselves."""
LONG = 128
"""Tokens of a sequence from which its products take longer than making code for them."""


@dataclass(frozen=True)
class Batch:
    """Some examples, as one row of tokens."""

    ids_N: Tensor
    """At the end there may be some of no sequence."""
    layout: Layout
    units: int
    classify_ES: Tensor
    """Place of each sequence's token whose state the classifier reads."""
    places_K: Tensor
    """Place of the state that a token is predicted from."""
    targets_K: Tensor
    """The token that is predicted."""
    weights_K: Tensor
    """Its weight: the mean over a sequence's tokens, and then over the sequences; at the end there may be some of 0."""
    texts: TextTokens | None = None
    """The predicted tokens of each text; None where the classifier reads no log-probabilities."""
    segments_N: Tensor | None = None
    """The text that each token is of, from 0; None where the model has no segments."""

    def to(self, device: str) -> Batch:
        """Return the same batch on another device."""
        if device == "cpu":
            return self
        names = ("ids_N", "classify_ES", "places_K", "targets_K", "weights_K")
        moved = {name: getattr(self, name).to(device) for name in names}
        segments = None if self.segments_N is None else self.segments_N.to(device)
        texts = self.texts and self.texts.to(device)
        return replace(self, **moved, layout=self.layout.to(device), texts=texts, segments_N=segments)

    def dropout(self, rate: float, seed: int, step: int) -> PackedDropout | None:
        """Return the dropout of a step with this batch: a function of (seed, step, number of the unit in the batch)."""
        return PackedDropout(rate, seed, step, self.units, self.layout) if rate else None


class Examples:
    """A split in a task's input format, ready to be batched.

    Args:
        attends: True if the model's tokens attend to one another.
        likelihoods: True if the classifier also reads log-probabilities of the texts.
        shares_beginnings: True if choices can follow one shared context, where tokens attend to one another.
        segments: True if the model is told which text a token is of.
    """

    def __init__(
        self,
        split: EncodedSplit,
        kind: TaskKind,
        form: InputFormat,
        attends: bool = False,
        likelihoods: bool = False,
        shares_beginnings: bool = True,
        segments: bool = False,
    ) -> None:
        self.attends, self.shared = attends, attends and shares_beginnings and kind.chooses and not segments
        self.likelihoods, self.texts, self.form, self.segments = likelihoods, kind.texts, form, segments
        self.sequences = [kind.sequences(split.row(i), form) for i in range(len(split))]
        self.alone = [kind.alone(split.row(i), form) for i in (range(len(split)) if likelihoods else ())]
        self.beginnings = [common_beginning(sequences) if self.shared else 0 for sequences in self.sequences]
        self.lengths = np.array(
            [
                start + sum(len(s) - start for s in sequences) if self.shared else max(len(s) for s in sequences)
                for start, sequences in zip(self.beginnings, self.sequences, strict=True)
            ]
        )

    def unit_lengths(self, indices: np.ndarray | None = None) -> np.ndarray:
        """Return the tokens of each unit, of all or some examples."""
        numbers = np.arange(len(self.lengths)) if indices is None else indices
        alone = [len(sequence) for i in numbers for sequence in (self.alone[i] if self.alone else ())]
        if self.shared:
            return np.concatenate([self.lengths[numbers], np.array(alone, self.lengths.dtype)])
        return np.array([len(sequence) for i in numbers for sequence in self.sequences[i]] + alone)

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the batch of some examples."""
        examples = [self.sequences[i] for i in indices]
        count = sum(map(len, examples))
        if self.shared:
            units = [_shared(group, self.beginnings[i], count) for group, i in zip(examples, indices, strict=True)]
        else:
            first = self.form.reads_first
            units = [_alone(sequence, count, reads_first=first) for group in examples for sequence in group]
        if not self.likelihoods:
            batch = _joined(units, _longest_first(units), len(examples), self.attends)
            return replace(batch, segments_N=self._segments(units, len(batch.ids_N))) if self.segments else batch
        alone = [self.alone[i] for i in indices]
        # The auxiliary loss stays the paper's: of the sequences that the classifier reads, not of texts alone.
        units += [_alone(ids, count, weight=0.0, masked=self.shared) for group in alone for ids in group]
        order = _longest_first(units)
        batch = _joined(units, order, len(examples), self.attends, len(units) - sum(map(len, alone)))
        beginnings = [self.beginnings[i] for i in indices] if self.shared else None
        firsts = _first_predicted(units, order)
        texts = tokens_of_texts(examples, alone, self.texts, beginnings, firsts, self.form)
        return replace(batch, texts=texts)

    def _segments(self, units: list[_Unit], tokens: int) -> Tensor:
        """Return the segments (N,) of the tokens of sequences, each read by itself, the longest first."""
        own = [self.form.segments_of(units[i].ids) for i in _longest_first(units)]
        joined = np.concatenate(own)
        return torch.from_numpy(np.pad(joined, (0, tokens - len(joined))))


class _Unit(NamedTuple):
    """Sequences that are read as one. Positions are counted from the first token."""

    ids: np.ndarray
    positions: np.ndarray
    owners: np.ndarray | None
    """0 for the shared beginning, from 1 the number of the sequence; None for a sequence alone."""
    classify: list[int]
    places: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


def common_beginning(sequences: list[np.ndarray]) -> int:
    """Return how many ids the sequences share at their beginning; each keeps at least one of its own."""
    shortest = min(len(sequence) for sequence in sequences) - 1
    same = np.ones(shortest, bool)
    for sequence in sequences[1:]:
        same &= sequence[:shortest] == sequences[0][:shortest]
    return shortest if same.all() else int(same.argmin())


def _alone(
    sequence: np.ndarray, count: int, weight: float = 1.0, masked: bool = False, reads_first: bool = False
) -> _Unit:
    """One of `count` sequences of a batch; `masked` if it may be padded together with units that have masks."""
    places = np.arange(len(sequence))
    weights = np.full(len(sequence) - 1, weight / ((len(sequence) - 1) * count))
    owners = np.ones(len(sequence), np.int64) if masked else None
    classify = [0 if reads_first else len(sequence) - 1]
    return _Unit(sequence, places, owners, classify, places[:-1], sequence[1:], weights)


def _shared(group: list[np.ndarray], beginning: int, count: int) -> _Unit:
    """Sequences of which each begins alike: the beginning, then what is each one's own."""
    own = [sequence[beginning:] for sequence in group]
    ends = list(accumulate((len(ids) for ids in own), initial=beginning))
    each = [1 / ((len(sequence) - 1) * count) for sequence in group]
    first = [np.concatenate([[beginning - 1], np.arange(start, end - 1)]) for start, end in pairwise(ends)]
    start = group[0][:beginning]
    return _Unit(
        np.concatenate([start, *own]),
        np.concatenate([np.arange(beginning), *(beginning + np.arange(len(ids)) for ids in own)]),
        np.repeat(np.arange(len(own) + 1), [beginning, *map(len, own)]),
        [end - 1 for end in ends[1:]],
        np.concatenate([np.arange(beginning - 1), *first]),
        np.concatenate([start[1:], *own]),
        np.repeat([sum(each), *each], [beginning - 1, *map(len, own)]),
    )


def _first_predicted(units: list[_Unit], order: np.ndarray) -> np.ndarray:
    """Return for each unit the index of its first predicted token in the batch."""
    counts = np.array([len(unit.targets) for unit in units])
    firsts = np.zeros(len(units), np.int64)
    firsts[order] = np.cumsum(counts[order]) - counts[order]
    return firsts


def _longest_first(units: list[_Unit]) -> np.ndarray:
    """Return the order of units in a batch."""
    return np.argsort([-len(unit.ids) for unit in units], kind="stable")


def _joined(
    units: list[_Unit], order: np.ndarray, examples: int, attends: bool, classified: int | None = None
) -> Batch:
    """Units as one row, in this order; of the first `classified` units (or all) the classifier reads states."""
    lengths = np.array([len(unit.ids) for unit in units])
    starts = np.zeros(len(units), np.int64)
    starts[order] = np.cumsum(lengths[order]) - lengths[order]
    pairs = list(zip(starts, units, strict=True))[:classified]
    classify = np.concatenate([start + np.asarray(unit.classify) for start, unit in pairs])

    def joined(name: str, with_start: bool = False) -> Tensor:
        parts = [getattr(units[i], name) + (starts[i] if with_start else 0) for i in order]
        count = sum(map(len, parts))
        return torch.from_numpy(np.concatenate([*parts, np.zeros(_rounded(count) - count, parts[0].dtype)]))

    groups = []
    for first, last in _cuts(lengths[order], attends):
        own = order[first:last]
        groups.append(_group(own.tolist(), lengths[own], [units[i].owners for i in own]))
    layout = Layout(joined("positions"), tuple(groups))
    return Batch(
        joined("ids"),
        layout,
        len(units),
        torch.from_numpy(classify).view(examples, -1),
        joined("places", with_start=True),
        joined("targets"),
        joined("weights").float(),
    )


def _rounded(count: int) -> int:
    """Return a number of tokens, and at most a 32nd more, or 15: so that not every batch has shapes of its own."""
    step = max(16, 1 << max(0, (count // 32).bit_length() - 1))
    return -(-count // step) * step


def _cuts(lengths: np.ndarray, attends: bool) -> list[tuple[int, int]]:
    """Return first and last of each group of sequences, given their lengths from the longest on.

    One that is padded to the longest of its group costs attention that, squared, and an LSTM as many steps.
    """
    power, firsts, wasted = (2, [0], 0) if attends else (1, [0], 0)
    for number, length in enumerate(lengths.tolist()):
        wasted += int(lengths[firsts[-1]]) ** power - length**power
        whole = length > LONG or (number - firsts[-1]) % ROUND == 0
        if whole and number > firsts[-1] and wasted > (WASTE if attends else STEPS * length):
            firsts.append(number)
            wasted = 0
    return list(zip(firsts, [*firsts[1:], len(lengths)], strict=True))


def _group(numbers: list[int], lengths: np.ndarray, owners: list[np.ndarray | None]) -> PaddedBatch:
    """Units as a group, padded on the right."""
    longest = -(-int(lengths.max()) // ROUND) * ROUND
    real = np.arange(longest) < lengths[:, None]
    places = None if real.all() else torch.from_numpy(np.flatnonzero(real))
    seen = None
    if owners[0] is not None:
        of = np.full(real.shape, -1)  # padding sees the beginning, and nobody sees it
        of[real] = np.concatenate([own for own in owners if own is not None])
        seen = torch.from_numpy(((of[:, None] == 0) | (of[:, None] == of[:, :, None])) & np.tri(longest, dtype=bool))
    return PaddedBatch(tuple(numbers), tuple(lengths.tolist()), longest, places, seen)


def epoch_order(examples: int, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Batches of example numbers: a pure function of (seed, epoch).

    An incomplete last batch is dropped, as in the released code, unless it is the only one.
    """
    order = np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(examples)
    complete = max(1, examples // batch_size) * batch_size
    return [order[first : first + batch_size] for first in range(0, min(complete, examples), batch_size)]
