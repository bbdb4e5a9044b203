"""Rows of .csv and .tsv: fields as text, with the lines that each row stands on.

.csv is read as RFC 4180 has it, strictly: a quote opens a text only at its start, closes it only at its end, and is
doubled inside. In .tsv, which has no such rule, quotes are text. Lines without anything on them are no rows.
"""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import dataclass
from typing import Literal

from pretrace.common.errors import PretraceError
from pretrace.corpus.readers.tables.delimited_faults import quote_fault, swallowed_rows

DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}


@dataclass(frozen=True)
class Rows:
    """Rows of fields, with the line of names if there is one, and the first and last line of each, from 1."""

    fields: list[list[str]]
    spans: list[tuple[int, int]]


def delimited_rows(text: str, suffix: str, file: str) -> Rows:
    """Return all rows of a text.

    Args:
        text: of the whole file.
        suffix: one of `DELIMITERS`.
        file: its name in messages.

    Raises:
        PretraceError: a quote is where none may be, or opens a text that swallows rows; names the line.
    """
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if suffix == ".csv" else csv.QUOTE_NONE
    csv.field_size_limit(sys.maxsize)
    lines = list(io.StringIO(text, newline=""))  # that CR, LF or both end
    reader = csv.reader(lines, delimiter=DELIMITERS[suffix], quoting=quoting, strict=True)
    if quoting == csv.QUOTE_NONE or '"' not in text:
        fields = list(reader)
        if min(map(len, fields), default=2) > 1:  # so no line is blank
            return Rows(fields, [(number, number) for number in range(1, len(lines) + 1)])
        reader = csv.reader(lines, delimiter=DELIMITERS[suffix], quoting=quoting)
    rows, before = Rows([], []), 0
    try:
        for row in reader:
            last = reader.line_num
            if len(row) > 1 or lines[last - 1].strip(" \t\r\n"):
                rows.fields.append(row)
                rows.spans.append((before + 1, last))
            before = last
    except csv.Error as error:
        raise PretraceError(f"{file}: {quote_fault(lines[before : reader.line_num], before + 1, str(error))}") from None
    if fault := swallowed_rows(lines, rows.fields, rows.spans):
        raise PretraceError(f"{file}: {fault}")
    return rows
