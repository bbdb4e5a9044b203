"""Counts of the words of many texts, as Arrow's tables, which workers send and which are summed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

from pretrace.corpus.text.count_words import spaced_words_of

COUNTED_BYTES = 8_000_000
"""UTF-8 bytes of text whose words are counted at once."""
TABLES_TOGETHER = 16
"""Tables of counts that are summed at once."""


def count_words_of(texts: Iterable[bytes]) -> Any:
    """Return Arrow's table of the words of prepared texts (each with a space at its end) and their counts."""
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
    """Sums tables of words and their counts."""

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


def by_frequency(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return words with their counts, the most frequent first, ties by word."""
    return sorted(sorted(counts.items()), key=itemgetter(1), reverse=True)  # equal ones stay in order
