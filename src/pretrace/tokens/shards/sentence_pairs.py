"""Pairs of texts for next-sentence prediction, after `create_pretraining_data.py` of google-research/bert.

A pair begins at the first sentence of a window of a document and is drawn by random numbers of its own, so that each is
found without those before it; BERT's code draws one after the other through a document. All else is as there: whole
sentences up to the length, at a random place cut into A and B, or B from another document; 10 % are shorter.

A sentence ends behind a token that ends sentences (a full stop, a line end), or behind several. So a blank line is no
sentence of its own (with which every second text would be a random one: google-research/bert#125), and the other
document is never the same one (NVIDIA/DeepLearningExamples#421).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.tokens.shards.document_windows import DocumentWindows
from pretrace.tokens.shards.read import TokenStream
from pretrace.tokens.shards.sampler import TO_UNIT

DRAWS = 7
"""Random numbers of a pair."""


class Pair(NamedTuple):
    """Two texts."""

    first: np.ndarray
    second: np.ndarray
    random: bool
    """True if the second is from another document; False if it follows the first."""
    document: int
    """Document of the second: its index in `DocumentWindows.numbers`."""


class SentencePairs:
    """The pairs of a text.

    Args:
        ends: ids of tokens that end a sentence.
        length: most tokens of both texts together.
        short_share: share of pairs of a random shorter length.

    Raises:
        PretraceError: there are fewer than two documents.
    """

    def __init__(
        self, shards: TokenStream, windows: DocumentWindows, ends: tuple[int, ...], length: int, short_share: float
    ) -> None:
        if len(windows.starts) < 2:
            raise PretraceError(
                f"{shards.split}: {len(windows.starts)} documents; pretrain.objective.next_sentence needs two or more, "
                "as the second text of half the pairs is from another one"
            )
        self._shards, self._windows, self._ends = shards, windows, np.array(ends)
        self._length, self._short_share = length, short_share

    def pair(self, document: int, start: int, draws: np.ndarray) -> Pair:
        """Return the pair of a window.

        Args:
            document: of the window, its index in `DocumentWindows.numbers`.
            start: position of the window's first token in the stream.
            draws: `DRAWS` random numbers, uint64.
        """
        short, target, cut, other, document_draw, place, fronts = draws
        length = self._length
        if short * TO_UNIT < self._short_share:
            length = 2 + int(target % np.uint64(self._length - 1))
        sentences = self._sentences(document, start, length)
        first_count = 1 + int(cut % np.uint64(len(sentences) - 1)) if len(sentences) > 1 else 1
        first = np.concatenate(sentences[:first_count])
        random = bool(len(sentences) == 1 or other * TO_UNIT < 0.5)
        rest = sentences[first_count:]
        if random:
            documents = self._windows.starts
            document = (document + 1 + int(document_draw % np.uint64(len(documents) - 1))) % len(documents)
            start = int(documents[document]) + int(place) % int(self._windows.sizes[document])
            rest = self._sentences(document, start, length - len(first))
        return Pair(*truncated(first, np.concatenate(rest), self._length, int(fronts)), random, document)

    def _sentences(self, document: int, start: int, length: int) -> list[np.ndarray]:
        """Return sentences of a document, until they have `length` tokens.

        From the first that begins at `start` or behind it; where that is in the last one, from the first of all.
        """
        begin = int(self._windows.starts[document])
        most = begin + int(self._windows.sizes[document]) - start
        before = start > begin
        ids = self._shards.read(start - before, min(most, 2 * max(self._length, 1)) + before)
        ending = np.isin(ids, self._ends)
        bounds = 1 + np.flatnonzero(ending[:-1] & ~ending[1:])
        if before and not len(bounds) and len(ids) == most + 1:
            return self._sentences(document, begin, length)
        first = bounds[0] if len(bounds) and (before or ending[0]) else int(before)
        inner = bounds[bounds > first]
        ends = [*inner.tolist(), len(ids)]
        enough = next((n for n, end in enumerate(ends) if end - first >= length), len(ends) - 1)
        return np.split(ids[first : ends[enough]], inner[:enough] - first)


def truncated(first: np.ndarray, second: np.ndarray, length: int, fronts: int) -> tuple[np.ndarray, np.ndarray]:
    """Drop tokens of the longer text until both have `length` together, each at its front or its back.

    Args:
        fronts: random bits; the tokens dropped at the front are as many as the ones among the first bits of a text.
    """
    sizes = [len(first), len(second)]
    while sum(sizes) > length:
        sizes[0 if sizes[0] > sizes[1] else 1] -= 1
    texts = []
    for text, size in ((first, sizes[0]), (second, sizes[1])):
        dropped = len(text) - size
        front = (fronts & ((1 << min(dropped, 32)) - 1)).bit_count() + max(0, dropped - 32) // 2
        texts.append(text[front : front + size])
        fronts >>= 32
    return texts[0], texts[1]
