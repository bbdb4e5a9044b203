"""Pairs of texts as token ids, and batches of as many as have a number of tokens.

A batch has pairs of similar length, so that there is little padding (Vaswani et al. 2017, section 5.1). Which pairs are
together is drawn once with the seed, and the order of the batches anew for each epoch (as fairseq).

Shapes: B pairs of a batch, S tokens of the longest source, T tokens of the longest target.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from pretrace.sequences.rows import SequenceRow
from pretrace.tokens.vocabulary import Vocabulary


class Pair(NamedTuple):
    """A source and its target as ids, without special tokens."""

    source: np.ndarray
    target: np.ndarray

    @property
    def longest(self) -> int:
        """Tokens of the longer one."""
        return max(len(self.source), len(self.target))


def source_text(row: SequenceRow) -> str:
    """Return what a model reads: the context, if the task has one, and the source."""
    return f"{row.context} {row.source}" if row.context else row.source


def encoded(rows: Iterable[SequenceRow], vocabulary: Vocabulary) -> list[Pair]:
    """Return rows as ids; a row's target is its first one."""
    return [
        Pair(*(vocabulary.encode_array(vocabulary.prepare(text)) for text in (source_text(row), row.targets[0])))
        for row in rows
    ]


def batches_of(pairs: Sequence[Pair], batch_tokens: int, seed: int) -> list[np.ndarray]:
    """Return the indices of the pairs of each batch: all pairs, each once, a batch of the shortest first.

    The longest text of a batch, with a token at its end, times its pairs is at most `batch_tokens`, unless a single
    pair has more.
    """
    drawn = np.random.default_rng([seed, 0]).permutation(len(pairs))
    sizes = np.array([(pair.longest, len(pair.source)) for pair in pairs]).reshape(-1, 2)[drawn]
    order = drawn[np.lexsort((sizes[:, 1], sizes[:, 0]))]
    found: list[list[int]] = []
    for index in order.tolist():
        if not found or (pairs[index].longest + 1) * (len(found[-1]) + 1) > batch_tokens:
            found.append([])
        found[-1].append(index)
    return [np.array(batch) for batch in found]


def batch_number(step: int, batches: int, seed: int) -> int:
    """Return which batch a step learns, both counted from 0: each once an epoch, in an order that the seed draws."""
    epoch, place = divmod(step, batches)
    return int(np.random.default_rng([seed, 1 + epoch]).permutation(batches)[place])
