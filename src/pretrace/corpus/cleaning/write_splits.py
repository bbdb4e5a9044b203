"""Cleaned documents into the folders of their splits, with the numbers of each.

Which documents a part holds is certain before any is written, so workers write the parts, each from the texts that it
reads for itself.
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
from pretrace.corpus.cleaning.split import SPLITS
from pretrace.corpus.cleaning.text_spool import PRELOAD, Pieces, Place, Staying
from pretrace.corpus.documents import part_path, write_part
from pretrace.corpus.parallel import map_in_order
from pretrace.corpus.text.count_words import spaced_words_of

if TYPE_CHECKING:
    from pretrace.settings import Workers

COUNTED_BYTES = 8_000_000
"""Text whose words are counted at once."""
TABLES_TOGETHER = 16
"""Tables of counts that are added up at once."""
LEAST_FOR_WORKERS = 16 << 20
"""Bytes of text below which this process writes alone: others take longer to start."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is to be written."""

    path: Path
    ids: list[str]
    sources: list[str]
    places: list[Place]
    counted: bool
    """Whether its words are to be counted."""


def divide(
    staying: Staying, out: Path, splits: Sequence[str | None], workers: Workers | None = None
) -> tuple[dict[str, Any], dict[str, int]]:
    """Write each document to `out/<split>/`; those without a split go nowhere.

    Returns the numbers by split and source with the histogram of lengths, and the words of the train split, counted.
    """
    numbers, size = _numbers(staying, splits)
    counts = WordCounts()
    with progress(total=size, unit="B", description="divide") as bar:
        parts = _parts(staying, out, splits)
        few = size < LEAST_FOR_WORKERS
        for part, words in map_in_order(WritePart(staying.pieces), parts, None if few else workers, PRELOAD):
            bar.update(sum(place.bytes for place in part.places))
            if words is not None:
                counts.add(words)
    return numbers, counts.total()


def _numbers(staying: Staying, splits: Sequence[str | None]) -> tuple[dict[str, Any], int]:
    """The numbers for the report, and the bytes of all texts that have a split."""
    lengths: Counter[int] = Counter()
    by_split = {split: Counter(documents=0, words=0, bytes=0) for split in SPLITS}
    by_source: dict[str, dict[str, Counter[str]]] = defaultdict(
        lambda: {split: Counter(documents=0, words=0, bytes=0) for split in SPLITS}
    )
    for number, (entry, split) in enumerate(zip(staying.entries, splits, strict=True)):
        if split is None:
            continue
        for sums in (by_split[split], by_source[entry.source][split]):
            sums["documents"] += 1
            sums["words"] += entry.words
            sums["bytes"] += staying.place(number).bytes
        lengths[entry.words.bit_length()] += 1
    sources = {source: {split: dict(n) for split, n in parts.items()} for source, parts in sorted(by_source.items())}
    totals = {split: dict(found) for split, found in by_split.items()}
    size = sum(found["bytes"] for found in totals.values())
    return {"splits": totals, "sources": sources, "lengths": _histogram(lengths)}, size


def _parts(staying: Staying, out: Path, splits: Sequence[str | None]) -> Iterator[Part]:
    for split in SPLITS:
        folder = out.resolve() / split
        folder.mkdir(parents=True)
        members = [number for number, found in enumerate(splits) if found == split]
        sizes = [staying.place(number).bytes for number in members]
        start = 0
        # A split without documents still gets one part, so that "nothing here" and "not written" differ.
        for at, end in enumerate(_ends(sizes) or [0]):
            chosen = members[start:end]
            entries = [staying.entries[number] for number in chosen]
            yield Part(
                part_path(folder, at),
                [entry.id for entry in entries],
                [entry.source for entry in entries],
                [staying.place(number) for number in chosen],
                split == "train",
            )
            start = end


def _ends(sizes: Iterable[int]) -> list[int]:
    """Behind which documents a part ends, by their sizes."""
    ends, size, number = [], 0, 0
    for number, more in enumerate(sizes, 1):
        size += more
        if size >= documents.PART_BYTES:
            ends.append(number)
            size = 0
    return ends if size == 0 else [*ends, number]


class WritePart:
    """What a worker does: writes a part, and counts its words if it is told to."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces

    def __call__(self, part: Part) -> Any:
        """The words, as Arrow's table of words (with a space at the end) and their counts; or nothing."""
        texts = list(self._pieces.raw(part.places))
        with ThreadPoolExecutor(1) as thread:
            written = thread.submit(_write, part, texts)
            counts = table_of_words(texts) if part.counted else None
            written.result()
        return counts


def _write(part: Part, texts: list[bytes]) -> None:
    import numpy as np
    import pyarrow as pa

    offsets = np.fromiter(accumulate(map(len, texts), initial=0), np.int64, len(texts) + 1)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(texts))]
    column = pa.Array.from_buffers(pa.large_string(), len(texts), buffers, null_count=0)
    write_part(part.path, part.ids, part.sources, column)


def table_of_words(texts: Iterable[bytes]) -> Any:
    """A table of the words of texts, counted some texts at a time: Arrow is quick at finding the distinct ones."""
    counts = WordCounts()
    waiting: list[bytes] = []
    size = 0
    for text in texts:
        waiting.append(text)
        size += len(text)
        if size >= COUNTED_BYTES:
            counts.count(waiting)
            waiting, size = [], 0
    counts.count(waiting)
    return counts.table()


class WordCounts:
    """Adds up tables of words and their counts."""

    def __init__(self) -> None:
        self._tables: list[Any] = []

    def count(self, texts: list[bytes]) -> None:
        import pyarrow as pa

        raw = b"".join([text.replace(b"\n", b" ") + b" " for text in texts])
        counted = spaced_words_of(raw).value_counts()
        self.add(pa.table([counted.field("values"), counted.field("counts")], ["word", "count"]))

    def add(self, table: Any) -> None:
        self._tables.append(table)
        if len(self._tables) > TABLES_TOGETHER:
            self._tables = [self.table()]

    def table(self) -> Any:
        import pyarrow as pa

        groups = pa.concat_tables(self._tables).group_by("word", use_threads=False)
        return groups.aggregate([("count", "sum")]).rename_columns(["word", "count"])

    def total(self) -> dict[str, int]:
        words, numbers = (column.to_pylist() for column in self.table().columns)
        return dict(zip([word[:-1] for word in words], numbers, strict=True))


def _histogram(lengths: Counter[int]) -> list[dict[str, int]]:
    """Documents by their number of words, each bin twice as wide as the one before, without gaps."""
    bins = range(min(lengths), max(lengths) + 1)
    return [{"from": 1 << (bits - 1), "below": 1 << bits, "documents": lengths[bits]} for bits in bins]
