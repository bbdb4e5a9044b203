"""Rows to predict, from a file or from standard input: JSON lines, CSV, TSV, Parquet or plain text.

The format is told by the name of the file or by the user, never by the content; standard input is JSON lines unless
told otherwise. Files with columns are read as a task's are. Of plain text each line is a row, an empty one, too, so
there are as many answers as lines.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import TABLE_BYTES, read_bytes
from pretrace.corpus.readers.tables.decode import decode
from pretrace.corpus.readers.tables.read_table import check_texts, parse_table, places_of
from pretrace.corpus.readers.tables.table import Table
from pretrace.settings.columns import Fields
from pretrace.tasks.text_fields import parts_of

TEXT = "text"
BY_SUFFIX = {".jsonl": "jsonl", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".txt": TEXT}
FORMATS = tuple(BY_SUFFIX.values())
STANDARD_INPUT = "-"


def read_rows(path: str, form: str | None, fields: Fields) -> Table:
    """Return the columns `fields` of a file, or with "-" of standard input.

    Args:
        form: one of `FORMATS`; None: that of the file's name.

    Raises:
        PretraceError: the file cannot be read, its name tells no format, it has no rows or not these columns.
    """
    name = "standard input" if path == STANDARD_INPUT else path
    kind = form or _format_by_name(path)
    content = _content(path, name)
    if kind != TEXT:
        return parse_table(content, name, f".{kind}", _columns(fields), advice=f"the model takes {fields.describe()}")
    if not fields.are_one_text:
        raise PretraceError(
            f"{name}: plain text is one text a line, and the model takes {fields.describe()}; "
            "give .jsonl, .csv, .tsv or .parquet, or name the format with --format"
        )
    lines = _lines(decode(content, name, ".txt"))
    if form is None:
        _check_plain(lines, name, fields.context[0])
    table = Table(name, [fields.context[0]], {fields.context[0]: lines}, places_of(name, len(lines)))
    check_texts(table)
    return table


def table_of(records: list[dict[str, Any]], name: str, fields: Fields) -> Table:
    """Return rows that are already read, as values by column. Raises `PretraceError` for half a surrogate pair."""
    names = list(dict.fromkeys(key for record in records for key in record))
    columns = {key: [record.get(key) for record in records] for key in _columns(fields) if key in names}
    table = Table(name, names, columns, places_of(name, len(records)), advice=f"the model takes {fields.describe()}")
    check_texts(table)
    return table


def texts_of_rows(table: Table, fields: Fields) -> list[list[str]]:
    """Return the parts of text of each row, as the task's own rows have them; an empty one stays.

    Raises:
        PretraceError: there are no rows, a column is missing, a value is no text, or the choices are not as many in
            each row.
    """
    if not len(table):
        raise PretraceError(f"{table.file}: has no rows")
    rows = parts_of(table, fields)
    for where, parts in zip(table.places, rows, strict=True):
        for column, text in parts:
            if not isinstance(text, str):
                raise PretraceError(f"{where}: column {column!r}: text expected, got {text!r}")
    return [[text for _, text in parts] for parts in rows]


def _format_by_name(path: str) -> str:
    if path == STANDARD_INPUT:
        return "jsonl"
    suffix = Path(path).suffix.lower()
    if suffix not in BY_SUFFIX:
        raise PretraceError(
            f"{path}: its name does not say what is in it: takes {', '.join(BY_SUFFIX)}, or --format with one of "
            f"{', '.join(FORMATS)}"
        )
    return BY_SUFFIX[suffix]


def _content(path: str, name: str) -> bytes:
    try:
        if path != STANDARD_INPUT:
            return read_bytes(path, TABLE_BYTES)
        if sys.stdin is None:
            raise PretraceError(f"{name}: closed")
        return sys.stdin.buffer.read()
    except OSError as error:
        raise PretraceError(f"{name}: cannot be read ({error.strerror})") from None


def _columns(fields: Fields) -> list[str]:
    return [*fields.context, *fields.others, *([fields.choices] if fields.choices else [])]


def _lines(text: str) -> list[str]:
    """Return the lines, blank ones too, without their ends: that of Unix, of Windows, or of an old Mac."""
    if not text:
        return []
    end = "\n" if "\n" in text else "\r"
    return [line.removesuffix("\r") for line in text.removesuffix(end).split(end)]


def _check_plain(lines: Iterable[str], name: str, column: str) -> None:
    """Raise `PretraceError` if a file that is plain text by its name begins as another format does."""
    first = next((line.strip() for line in lines if line.strip()), "")
    cells = [cell.strip().strip('"') for cell in re.split(r"[\t,;]", first)]
    if len(cells) > 1 and column in cells:
        raise PretraceError(f"{name}: begins with names of columns, and .txt is plain text; give --format csv or tsv")
    try:
        is_object = first.startswith("{") and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return
    if is_object:
        raise PretraceError(f"{name}: begins with a JSON object, and .txt is plain text; give --format jsonl")
