"""Writing of documents to the folders of their splits, with the numbers of each split.

The documents of every part are known before any is written, so workers write the parts, each from the texts that it
reads from the spool.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretrace.common.progress import progress
from pretrace.corpus import documents
from pretrace.corpus.cleaning.passes import PRELOAD
from pretrace.corpus.cleaning.split import SPLITS
from pretrace.corpus.cleaning.text_spool import KeptDocuments, TextSpool
from pretrace.corpus.documents import part_path, write_part
from pretrace.corpus.filters.base import ByteRange
from pretrace.corpus.parallel import map_in_order
from pretrace.corpus.text.prepared_text import PreparedText
from pretrace.corpus.text.word_counts import WordCounts, count_words_of

if TYPE_CHECKING:
    from pretrace.settings import Workers

WORKERS_FROM_BYTES = 16 << 20
"""Bytes of text below which this process writes alone: workers would take longer to start."""


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """A part that is to be written."""

    path: Path
    ids: list[str]
    sources: list[str]
    ranges: list[ByteRange]
    """Of the raw texts."""
    prepared_ranges: list[ByteRange]
    counted: bool
    """True if its words are to be counted."""


def write_splits(
    kept: KeptDocuments,
    out: Path,
    splits: Sequence[str | None],
    workers: Workers | None = None,
    prepared: PreparedText | None = None,
) -> tuple[dict[str, Any], dict[str, int]]:
    """Write each raw document to `out/<split>/`, and to `prepared` if given; those without a split are not written.

    Returns:
        The numbers by split and source with the histogram of lengths, and the counts of the train split's words.
    """
    numbers, size = _numbers(kept, splits)
    counts = WordCounts()
    with progress(total=size, unit="B", description="split") as bar:
        parts = _plan_parts(kept, out, splits)
        few = size < WORKERS_FROM_BYTES
        for part, words in map_in_order(WritePart(kept.spool, prepared), parts, None if few else workers, PRELOAD):
            bar.update(sum(text.bytes for text in part.ranges))
            if words is not None:
                counts.add(words)
    return numbers, counts.total()


def _numbers(kept: KeptDocuments, splits: Sequence[str | None]) -> tuple[dict[str, Any], int]:
    """Return the numbers for the report, and the bytes of all texts that have a split."""
    lengths: Counter[int] = Counter()
    by_split = {split: Counter(documents=0, words=0, bytes=0) for split in SPLITS}
    by_source: dict[str, dict[str, Counter[str]]] = defaultdict(
        lambda: {split: Counter(documents=0, words=0, bytes=0) for split in SPLITS}
    )
    for number, (document, split) in enumerate(zip(kept.documents, splits, strict=True)):
        if split is None:
            continue
        for sums in (by_split[split], by_source[document.source][split]):
            sums["documents"] += 1
            sums["words"] += document.words
            sums["bytes"] += kept.range(number).bytes
        lengths[document.words.bit_length()] += 1
    sources = {source: {split: dict(n) for split, n in parts.items()} for source, parts in sorted(by_source.items())}
    totals = {split: dict(sums) for split, sums in by_split.items()}
    size = sum(sums["bytes"] for sums in totals.values())
    return {"splits": totals, "sources": sources, "lengths": _histogram(lengths)}, size


def _plan_parts(kept: KeptDocuments, out: Path, splits: Sequence[str | None]) -> Iterator[PlannedPart]:
    for split in SPLITS:
        folder = out.resolve() / split
        folder.mkdir(parents=True)
        members = [number for number, of_document in enumerate(splits) if of_document == split]
        sizes = [kept.range(number).bytes for number in members]
        start = 0
        # A split without documents still gets one part, so that "nothing here" and "not written" differ.
        for part, end in enumerate(_part_ends(sizes) or [0]):
            numbers = members[start:end]
            written = [kept.documents[number] for number in numbers]
            yield PlannedPart(
                part_path(folder, part),
                [document.id for document in written],
                [document.source for document in written],
                [kept.range(number) for number in numbers],
                [kept.prepared_range(number) for number in numbers],
                split == "train",
            )
            start = end


def _part_ends(sizes: Iterable[int]) -> list[int]:
    """Return the numbers of documents after which a part ends."""
    ends, size, number = [], 0, 0
    for number, more in enumerate(sizes, 1):
        size += more
        if size >= documents.PART_BYTES:
            ends.append(number)
            size = 0
    return ends if size == 0 else [*ends, number]


class WritePart:
    """The function of a worker: write a part, keep its prepared text, and count its words if asked to."""

    def __init__(self, spool: TextSpool, prepared: PreparedText | None) -> None:
        self._spool, self._prepared = spool, prepared

    def __call__(self, part: PlannedPart) -> Any:
        """Return Arrow's table of words (each with a space at its end) and their counts, or None."""
        prepared = list(self._spool.read(part.prepared_ranges)) if self._prepared or part.counted else []
        with ThreadPoolExecutor(1) as thread:
            written = thread.submit(self._write, part, prepared)
            counts = count_words_of(prepared) if part.counted else None
            written.result()
        return counts

    def _write(self, part: PlannedPart, prepared: list[bytes]) -> None:
        write_part(part.path, part.ids, part.sources, _column(list(self._spool.read(part.ranges))))
        if self._prepared:
            self._prepared.keep(part.path, part.ids, part.sources, _column(prepared))


def _column(texts: list[bytes]) -> Any:
    """Return texts in UTF-8 as Arrow's `large_string`."""
    import numpy as np
    import pyarrow as pa

    offsets = np.fromiter(accumulate(map(len, texts), initial=0), np.int64, len(texts) + 1)
    buffers: list[Any] = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(texts))]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers, null_count=0)


def _histogram(lengths: Counter[int]) -> list[dict[str, int]]:
    """Return documents by their number of words, each bin twice as wide as the one before, without gaps."""
    bins = range(min(lengths), max(lengths) + 1)
    return [{"from": 1 << (bits - 1), "below": 1 << bits, "documents": lengths[bits]} for bits in bins]
