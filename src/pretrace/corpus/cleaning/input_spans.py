"""Spans of rows of the documents on disk, which workers read for themselves.

A span is a range of rows in a part, so sending one costs nothing, whatever the length of the text. It is read a few
rows at a time, and those batches are the same however the spans are cut.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pretrace.common.open_file import check_regular
from pretrace.corpus.documents import Document, document_parts, readable_part

BATCH_BYTES = 500_000
"""Bytes of text that are cleaned at once."""
BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Span:
    """Successive documents of a part."""

    number: int
    """Its index among all spans."""
    part: Path
    start: int
    """The first row, from 0."""
    stop: int
    step: int
    """Rows per batch."""

    def read(self) -> Iterator[list[Document]]:
        """Yield the documents in batches. Raises `PretraceError` if the part is damaged or missing."""
        for row in range(self.start, self.stop, self.step):
            with readable_part(self.part):
                documents = _reader()(self.part, row, min(row + self.step, self.stop))
            yield documents


def spans_of(folder: Path, workers: int = 1) -> list[Span]:
    """Return spans of all documents of a folder, in order.

    Rows can be read only from the beginning of their row group, so one worker had best read the whole group. Near the
    end of the text spans are shorter, so that all workers end at the same time.

    Raises:
        PretraceError: there are no documents, or a part is damaged.
    """
    groups = [(part.resolve(), *group) for part in document_parts(folder) for group in _groups(part)]
    left = sum(size for *_, size in groups)
    spans: list[Span] = []
    joined = 0  # bytes of the last span while it consists of small row groups and may grow
    for part, first, rows, size in groups:
        if joined and joined + size <= BATCH_BYTES and spans[-1].part == part:
            rows, first, joined = first + rows - spans[-1].start, spans[-1].start, joined + size
            spans[-1] = Span(len(spans) - 1, part, first, first + rows, rows)
            left -= size
            continue
        joined = size if size <= BATCH_BYTES else 0
        step = max(1, rows * BATCH_BYTES // max(size, BATCH_BYTES))
        row = first
        while row < first + rows:
            steps = math.ceil(rows * left / workers / max(size, 1) / step)
            stop = min(first + rows, row + step * max(1, steps))
            spans.append(Span(len(spans), part, row, stop, step))
            row, left = stop, left - size * (stop - row) // rows
    return spans


def _groups(part: Path) -> list[tuple[int, int, int]]:
    """Return the first row, number of rows and approximate bytes of each row group that is not empty."""
    import pyarrow.parquet as pq

    with readable_part(part):
        metadata = pq.read_metadata(part)
        groups, first = [], 0
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            groups.append((first, group.num_rows, group.total_byte_size))
            first += group.num_rows
    return [group for group in groups if group[1]]


@cache
def _reader() -> Reader:
    return Reader()


class Reader:
    """Reads spans, resuming where it stopped: rows of the same row group that others read are skipped once."""

    def __init__(self) -> None:
        self._part: Path | None = None
        self._at = self._end = 0
        """The next row, and the end of its row group."""
        self._batches: Iterator[Any] = iter(())

    def __call__(self, part: Path, row: int, stop: int) -> list[Document]:
        documents: list[Document] = []
        step = stop - row
        while row < stop:
            if self._part != part or row < self._at or row >= self._end:
                self._open(part, row, step)
            batch = next(self._batches)
            skipped, self._at = row - self._at, self._at + batch.num_rows
            if skipped < batch.num_rows:
                columns = [column.to_pylist() for column in batch.slice(skipped, stop - row).columns]
                documents += [Document(*values) for values in zip(*columns, strict=True)]
                row += len(columns[0])
        return documents

    def _open(self, part: Path, row: int, rows_at_once: int) -> None:
        """Go to the beginning of the row's row group."""
        import pyarrow.parquet as pq

        self._part, self._end = None, 0
        check_regular(part)
        file = pq.ParquetFile(part, pre_buffer=False, buffer_size=BUFFER_BYTES)
        for number in range(file.metadata.num_row_groups):
            self._at, self._end = self._end, self._end + file.metadata.row_group(number).num_rows
            if row < self._end:
                break
        # All rows of a group are read as many at a time.
        options = {"batch_size": rows_at_once, "row_groups": [number], "use_threads": False}
        self._batches = file.iter_batches(columns=["id", "source", "text"], **options)
        self._part = part
