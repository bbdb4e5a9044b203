"""Rows of .csv and .tsv: fields as text, with the lines that each row stands on.

.csv is read as RFC 4180 has it, strictly: a quote opens a text only at its start, closes it only at its end, and is
doubled inside. In .tsv, which has no such rule, quotes are text. Lines without anything on them are no rows.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from pretrace.common.errors import PretraceError
from pretrace.corpus.readers.tables.delimited_faults import quote_fault, swallowed_rows

DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}


@dataclass(frozen=True, slots=True)
class Line:
    """A row, or the line of names."""

    first: int
    """Its first line in the file, from 1."""
    last: int
    fields: list[str]


def delimited_lines(text: str, suffix: str, file: str) -> list[Line]:
    """Return all rows of a text, with the line of names if it has one.

    Args:
        text: of the whole file.
        suffix: one of `DELIMITERS`.
        file: its name in messages.

    Raises:
        PretraceError: a quote is where none may be, or opens a text that swallows rows; names the line.
    """
    quoting = csv.QUOTE_MINIMAL if suffix == ".csv" else csv.QUOTE_NONE
    csv.field_size_limit(sys.maxsize)
    source = _Lines(text)
    reader = csv.reader(source, delimiter=DELIMITERS[suffix], quoting=quoting, strict=True)
    lines, first = [], 1
    try:
        for fields in reader:
            if len(fields) > 1 or source.current.strip(" \t\r\n"):
                lines.append(Line(first, reader.line_num, fields))
            first = reader.line_num + 1
    except csv.Error as error:
        raise PretraceError(f"{file}: {quote_fault(text, first, reader.line_num, str(error))}") from None
    if quoting == csv.QUOTE_MINIMAL and (fault := swallowed_rows(text, [(line.first, line.last) for line in lines])):
        raise PretraceError(f"{file}: {fault}")
    return lines


class _Lines(Iterator[str]):
    """The lines of a text, ended by CR, LF or both, as they are; the current one is kept."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.current = ""

    def __next__(self) -> str:
        self.current = next(self._lines)
        return self.current
