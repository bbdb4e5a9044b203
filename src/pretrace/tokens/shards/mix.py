"""The mix of a training text's sources by weight (GPT-3: Brown et al. 2020, section 2.2 and table 2.2).

Of each source as many sequences are read as its weight says, so that a source of high weight is read more often than
the others: its epochs follow. A sequence is of one source. Of any number of sequences from the first one of the
training, each source has its share to within less than one. Which source a sequence is of follows from its number
alone, and a source is read like a text of its own (pretrace.tokens.shards.sampler); so a run resumes at any step.

The stream on disk stays as it is without a mix: a source's documents are found in it by their numbers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from heapq import heappop, heappush

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.tokens.shards.read import Shards
from pretrace.tokens.shards.sampler import Order, sequence_order, sequences_per_epoch, window_starts


def interleaved(parts: list[int]) -> np.ndarray:
    """Return a period: for each of `sum(parts)` places the number of its source, int64.

    Of the first n places a source has its share of n to within less than one, for every n. Each of its places has to
    lie in a window; the earliest end goes first, which finds such an order whenever there is one (Liu and Layland 1973;
    the windows are those of Baruah et al. 1996, "Proportionate progress").
    """
    period, placed = sum(parts), [0] * len(parts)
    waiting: list[tuple[int, int]] = []  # (first place of the window, source)
    ready: list[tuple[int, int]] = []  # (end of the window, source)
    for source, part in enumerate(parts):
        if part:
            heappush(waiting, (0, source))
    order = np.empty(period, np.int64)
    for place in range(period):
        while waiting and waiting[0][0] <= place:
            source = heappop(waiting)[1]
            heappush(ready, (-(-(placed[source] + 1) * period // parts[source]), source))
        order[place] = source = heappop(ready)[1]
        placed[source] += 1
        if placed[source] < parts[source]:
            heappush(waiting, (placed[source] * period // parts[source], source))
    return order


class SourceStream:
    """The documents of one source as a stream of their own (`TokenStream`).

    Args:
        documents: their numbers in the stream of the shards, ascending.
        starts: position of each document of the shards, and the end of the last.
    """

    def __init__(self, shards: Shards, name: str, documents: np.ndarray, starts: np.ndarray) -> None:
        self.split = f"{shards.split}, source {name!r}"
        self.name, self.documents = name, documents
        self._shards, self._from = shards, starts[documents]
        self._starts = np.concatenate([[0], np.cumsum(starts[documents + 1] - self._from)]).astype(np.int64)
        self.tokens = int(self._starts[-1])

    def document_starts(self) -> np.ndarray:
        """Return the position of each document's first token, and the stream's end: int64, shape (documents + 1,)."""
        return self._starts

    def read(self, start: int, length: int) -> np.ndarray:
        """Return ids `start` to `start + length` of the stream, int64. Raises IndexError outside of it."""
        if start < 0 or length < 0 or start + length > self.tokens:
            raise IndexError(f"{self.split}: ids {start} to {start + length} of {self.tokens}")
        pieces, end = [np.empty(0, np.int64)], start + length
        document = int(np.searchsorted(self._starts, start, side="right")) - 1
        while start < end:
            stop = min(end, int(self._starts[document + 1]))
            within = start - int(self._starts[document])
            pieces.append(self._shards.read(int(self._from[document]) + within, stop - start))
            start, document = stop, document + 1
        return np.concatenate(pieces)


@dataclass(frozen=True)
class SourceShare:
    """The sequences of a batch that are of one source."""

    number: int
    """Of the source: its index in `SourceMix.streams`."""
    places: np.ndarray
    """Their numbers in the batch, ascending."""
    sequences: range
    """Their numbers among all sequences of the source."""


class SourceMix:
    """The sources of shards that have a mix, those of weight 0 left out."""

    def __init__(self, shards: Shards) -> None:
        assert shards.mix
        starts, sources = shards.document_starts(), shards.document_sources()
        read = [(number, source) for number, source in enumerate(shards.mix.sources) if source.part]
        self.streams = [SourceStream(shards, s.source, np.flatnonzero(sources == n), starts) for n, s in read]
        self._order = _period(tuple(source.part for _, source in read))
        self._places = [np.flatnonzero(self._order == number) for number in range(len(read))]
        # An epoch's order is made once, as for a text alone; each source needs room for its own.
        self.orders: list[Order] = [lru_cache(maxsize=2)(sequence_order.__wrapped__) for _ in read]
        """By source `sequence_order`."""

    def sequences_before(self, number: int, sequence: int) -> int:
        """Return how many of the first `sequence` sequences of the training are of a source."""
        whole, rest = divmod(sequence, len(self._order))
        return whole * len(self._places[number]) + int(np.searchsorted(self._places[number], rest))

    def shares(self, batch: range) -> list[SourceShare]:
        """Return the sources of a batch, given by the numbers of its sequences."""
        of_batch = self._order[np.arange(batch.start, batch.stop) % len(self._order)]
        first = {number: self.sequences_before(number, batch.start) for number in np.unique(of_batch).tolist()}
        places = {number: np.flatnonzero(of_batch == number) for number in first}
        return [SourceShare(n, places[n], range(start, start + len(places[n]))) for n, start in first.items()]

    def seed(self, number: int, seed: int) -> int:
        """Return a source's own seed."""
        digest = hashlib.sha256(f"{seed}\0{self.streams[number].name}".encode()).digest()
        return int.from_bytes(digest[:8], "little")


class MixedSequences:
    """The sequences of a mix as windows of each source's stream: `batch_sequences` and `batch_documents` of sources.

    Raises:
        PretraceError: a source has fewer tokens than a sequence.
    """

    def __init__(self, mix: SourceMix, context: int, seed: int) -> None:
        self._mix, self._context = mix, context
        self._seeds = [mix.seed(number, seed) for number in range(len(mix.streams))]
        for stream in mix.streams:
            check_source(stream, sequences_per_epoch(stream.tokens, context), context)

    def read(self, batch: range, chosen: range | None = None) -> np.ndarray:
        """Return the sequences of a batch, or some of them: ids, int64, shape (sequences, context)."""
        of_batch = self._starts(batch)
        own = (of_batch[number] for number in (range(len(batch)) if chosen is None else chosen))
        return np.stack([self._mix.streams[source].read(start, self._context) for source, start in own])

    def documents(self, batch: range) -> list[int]:
        """Return the numbers of the documents in the sequences of a batch, in the stream of the shards."""
        found: set[int] = set()
        for source, start in self._starts(batch):
            stream = self._mix.streams[source]
            ends = np.searchsorted(stream.document_starts(), [start, start + self._context - 1], side="right") - 1
            found |= set(stream.documents[ends[0] : ends[1] + 1].tolist())
        return sorted(found)

    def _starts(self, batch: range) -> list[tuple[int, int]]:
        """Return for each sequence its source and its position in that source's stream."""
        starts = [(0, 0)] * len(batch)
        for share in self._mix.shares(batch):
            n = share.number
            tokens, order = self._mix.streams[n].tokens, self._mix.orders[n]
            found = window_starts(tokens, self._context, share.sequences, self._seeds[n], order)
            for place, start in zip(share.places.tolist(), found.tolist(), strict=True):
                starts[place] = n, start
        return starts


@lru_cache(maxsize=4)
def _period(parts: tuple[int, ...]) -> np.ndarray:
    return interleaved(list(parts))


def check_source(stream: SourceStream, sequences: int, context: int) -> None:
    """Check that a source has a sequence. Raises `PretraceError` if it has none."""
    if not sequences:
        raise PretraceError(
            f"{stream.split}: {stream.tokens} tokens give no sequence of {context}; add text, or give it weight 0 in "
            "corpus.mix"
        )
