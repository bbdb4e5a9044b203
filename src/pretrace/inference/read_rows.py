"""Rows to predict, from a file or from standard input: JSON lines, CSV, TSV, Parquet or plain text.

The format is told by the name of the file or by the user, never by the content; standard input is JSON lines unless
told otherwise. Files with columns are read as a task's are. Of plain text each line is a row, an empty one, too, so
there are as many answers as lines.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import TABLE_BYTES, open_file
from pretrace.common.units import readable_bytes
from pretrace.corpus.readers.tables.decode import NOTHING, Before, decode
from pretrace.corpus.readers.tables.read_table import check_texts, parse_objects, parse_table, places_of
from pretrace.corpus.readers.tables.table import Table
from pretrace.inference.line_blocks import BLOCK_LINES, line_blocks
from pretrace.settings.columns import Fields
from pretrace.tasks.text_fields import parts_of

TEXT = "text"
BY_SUFFIX = {".jsonl": "jsonl", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".txt": TEXT}
FORMATS = tuple(BY_SUFFIX.values())
STANDARD_INPUT = "-"
BATCH_ROWS = BLOCK_LINES


def read_rows(path: str, form: str | None, fields: Fields) -> Iterator[Table]:
    """Yield the columns `fields` of a file, or with "-" of standard input: at most `BATCH_ROWS` rows at a time.

    JSON lines and plain text are given as they come, whatever their length. The other formats are read whole.

    Args:
        form: one of `FORMATS`; None: that of the file's name.

    Raises:
        PretraceError: the file cannot be read, its name tells no format, it has no rows or not these columns.
    """
    name = "standard input" if path == STANDARD_INPUT else path
    kind = form or _format_by_name(path)
    if kind == TEXT and not fields.are_one_text:
        raise PretraceError(
            f"{name}: plain text is one text a line, and the model takes {fields.describe()}; "
            "give .jsonl, .csv, .tsv or .parquet, or name the format with --format"
        )
    with _opened(path, name) as stream:
        if kind not in LINES:
            table = parse_table(_content(stream, name), name, f".{kind}", _columns(fields), advice=_advice(fields))
            for first in range(0, len(table), BATCH_ROWS):
                yield table.take(range(first, min(first + BATCH_ROWS, len(table))))
            return
        before = NOTHING
        for lines in line_blocks(stream, name):
            table = LINES[kind](lines, name, fields, before, form is None)
            before = before.plus(lines, len(table), table.names)
            if len(table):
                yield table
    if not before.rows:
        raise PretraceError(f"{name}: has no rows")


def _objects(lines: list[bytes], name: str, fields: Fields, before: Before, _by_name: bool) -> Table:
    return parse_objects(b"".join(lines), name, _columns(fields), _advice(fields), before)


def _texts(lines: list[bytes], name: str, fields: Fields, before: Before, by_name: bool) -> Table:
    """Return a row for each line, a blank one, too."""
    text, column = decode(b"".join(lines), name, ".txt", before), fields.context[0]
    texts = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
    if by_name and not before.rows:
        _check_plain(texts, name, column)
    table = Table(name, [column], {column: texts}, places_of(name, len(texts), before.rows))
    check_texts(table)
    return table


LINES = {"jsonl": _objects, TEXT: _texts}
"""Formats whose rows are lines, and what makes a table of some."""


def table_of(records: list[dict[str, Any]], name: str, fields: Fields) -> Table:
    """Return rows that are already read, as values by column. Raises `PretraceError` for half a surrogate pair."""
    names = list(dict.fromkeys(key for record in records for key in record))
    columns = {key: [record.get(key) for record in records] for key in _columns(fields) if key in names}
    table = Table(name, names, columns, places_of(name, len(records)), advice=_advice(fields))
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


@contextlib.contextmanager
def _opened(path: str, name: str) -> Iterator[BinaryIO]:
    if path == STANDARD_INPUT:
        if sys.stdin is None:
            raise PretraceError(f"{name}: closed")
        yield sys.stdin.buffer
        return
    with open_file(path) as stream:
        yield stream


def _content(stream: BinaryIO, name: str) -> bytes:
    """Return all of a stream."""
    try:
        content = stream.read(TABLE_BYTES + 1)
    except OSError as error:
        raise PretraceError(f"{name}: cannot be read ({error.strerror})") from None
    if len(content) > TABLE_BYTES:
        raise PretraceError(
            f"{name}: more than {readable_bytes(TABLE_BYTES)}; give JSON lines or plain text, which may have any length"
        )
    return content


def _advice(fields: Fields) -> str:
    return f"the model takes {fields.describe()}"


def _columns(fields: Fields) -> list[str]:
    return [*fields.context, *fields.others, *([fields.choices] if fields.choices else [])]


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
