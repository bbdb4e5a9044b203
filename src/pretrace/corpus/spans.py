"""Documents on disk in spans of rows: what a worker is given to read for itself.

A span is a place in a part, so handing one out costs nothing whatever the text's length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pretrace.corpus.documents import Document, document_parts, readable_part

SPAN_BYTES = 500_000
"""Text of a span; of a large corpus `SPANS` make the whole, as far as `MOST_BYTES` lets them."""
SPANS = 256
MOST_BYTES = 4 << 20
BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Span:
    """Documents that stand one after the other in a part."""

    number: int
    """Its place among all."""
    part: Path
    start: int
    """The first row, from 0."""
    stop: int

    def read(self) -> list[Document]:
        """The documents. Raises `PretraceError` if the part is damaged or gone."""
        with readable_part(self.part):
            return _reader()(self)


def spans_of(folder: Path) -> list[Span]:
    """All documents of a folder, in order. Raises `PretraceError` if there are none, or a part is damaged."""
    groups = [(part.resolve(), *group) for part in document_parts(folder) for group in _groups(part)]
    most = max(SPAN_BYTES, min(MOST_BYTES, sum(size for *_, size in groups) // SPANS))
    places: list[tuple[Path, int, int]] = []
    open_bytes = 0  # of the last span, as far as small groups may still go into it
    for part, first, rows, size in groups:
        if open_bytes and places[-1][0] == part and open_bytes + size <= most:
            places[-1], open_bytes = (part, places[-1][1], first + rows), open_bytes + size
            continue
        step = max(1, rows * most // max(size, most))
        places += [(part, row, min(row + step, first + rows)) for row in range(first, first + rows, step)]
        open_bytes = size if size <= most else 0
    return [Span(number, *place) for number, place in enumerate(places)]


def _groups(part: Path) -> list[tuple[int, int, int]]:
    """First row, number of rows and about the bytes of text of each row group that has any."""
    import pyarrow.parquet as pq

    with readable_part(part):
        metadata = pq.read_metadata(part)
        groups, first = [], 0
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            groups.append((first, group.num_rows, group.column(group.num_columns - 1).total_uncompressed_size))
            first += group.num_rows
    return [group for group in groups if group[1]]


@cache
def _reader() -> Reader:
    return Reader()


class Reader:
    """Reads spans, and goes on where it stopped: what others read of the same row group is passed over once."""

    def __init__(self) -> None:
        self._part: Path | None = None
        self._at = 0
        self._batches: Iterator[Any] = iter(())

    def __call__(self, span: Span) -> list[Document]:
        documents: list[Document] = []
        row = span.start
        while row < span.stop:
            if self._part != span.part or row < self._at or row >= self._end:
                self._open(span.part, row, span.stop - span.start)
            batch = next(self._batches)
            skipped, self._at = row - self._at, self._at + batch.num_rows
            if skipped < batch.num_rows:
                columns = [column.to_pylist() for column in batch.slice(skipped, span.stop - row).columns]
                documents += [Document(*values) for values in zip(*columns, strict=True)]
                row += len(columns[0])
        return documents

    def _open(self, part: Path, row: int, rows_at_once: int) -> None:
        """Stand at the beginning of the row group in which the row is."""
        import pyarrow.parquet as pq

        self._part = None
        file = pq.ParquetFile(part, pre_buffer=False, buffer_size=BUFFER_BYTES)
        self._end = 0
        for number in range(file.metadata.num_row_groups):
            self._at, self._end = self._end, self._end + file.metadata.row_group(number).num_rows
            if row < self._end:
                break
        # Spans of a group have the same number of rows, so that a batch is one of them.
        options = {"batch_size": rows_at_once, "row_groups": [number], "use_threads": False}
        self._batches = file.iter_batches(columns=["id", "source", "text"], **options)
        self._part = part
