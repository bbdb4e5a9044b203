"""Read a file of rows, of any format, as columns of plain Python values.

    read_table("rows/mine.csv", ["text", "label"]).column("label")

No value changes its form on the way: a label `1` is `1`, whatever the other rows have; text of .csv and .tsv is text.
Only the wanted columns are read, so what the others hold does not matter.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import TABLE_BYTES, read_bytes
from pretrace.corpus.readers.faults import BadInputError
from pretrace.corpus.readers.json_lines import names_of, read_object
from pretrace.corpus.readers.parquet import cell, parquet_batches
from pretrace.corpus.readers.row import DOCUMENT_BYTES, check_columns, check_text
from pretrace.corpus.readers.source_file import SourceFile
from pretrace.corpus.readers.tables.decode import NOTHING, Before, decode
from pretrace.corpus.readers.tables.delimited import delimited_rows
from pretrace.corpus.readers.tables.delimited_faults import doubled_quotes, names_fault
from pretrace.corpus.readers.tables.table import Table

MOST_ROWS = 10_000_000
"""Rows, or lines, of a table, however short they are; the largest that people fine-tune on has half a million."""


def read_table(path: Path | str, wanted: Sequence[str], names: Sequence[str] | None = None, advice: str = "") -> Table:
    """Return the rows of a file, whose format is told by its name. Arguments and errors as `parse_table`.

    Raises:
        PretraceError: it cannot be opened.
    """
    content = read_bytes(path, TABLE_BYTES)
    return parse_table(content, str(path), Path(path).suffix, wanted, names, advice)


def parse_table(
    content: bytes, file: str, suffix: str, wanted: Sequence[str], names: Sequence[str] | None = None, advice: str = ""
) -> Table:
    """Return the rows of a file, given as its bytes.

    Args:
        content: of the whole file.
        file: its name in messages.
        suffix: its format: .parquet, .jsonl, .csv, .tsv, or .txt, which is read as .tsv.
        wanted: the columns to read; asking the table for one that is not there raises.
        names: of the columns of a .csv or .tsv without a line of names.
        advice: what to do where a column is missing.

    Raises:
        PretraceError: it is of another format or encoding, damaged, without rows, or a value is no text or date; names
            the row or the line.
    """
    _check_rows(0 if suffix == ".parquet" else max(map(content.count, (b"\n", b"\r"))), file)
    if suffix == ".parquet":
        table = _parquet(content, file, wanted, advice)
    elif suffix == ".jsonl":
        table = _objects(decode(content, file, suffix), file, wanted, advice)
    else:
        table = _delimited(decode(content, file, suffix), file, suffix, wanted, names, advice)
    if not len(table):
        raise PretraceError(f"{file}: has no rows")
    if suffix in (".parquet", ".jsonl"):  # `decode` has seen to the others
        check_texts(table)
    return table


def parse_objects(
    content: bytes, file: str, wanted: Sequence[str], advice: str = "", before: Before = NOTHING
) -> Table:
    """Return the rows of .jsonl, or of whole lines of it; there may be none. Arguments and errors as `parse_table`.

    Args:
        before: what comes before these lines in the file.
    """
    table = _objects(decode(content, file, ".jsonl", before), file, wanted, advice, before)
    check_texts(table)
    return table


def _check_rows(count: int, file: str) -> None:
    if count > MOST_ROWS:
        raise PretraceError(f"{file}: has more than {MOST_ROWS:,} rows, which are more than fit in memory; draw some")


def places_of(file: str, count: int, before: int = 0) -> list[str]:
    """Return where each of so many rows is, behind those `before`."""
    return [f"{file}: row {number}" for number in range(before + 1, before + count + 1)]


def _delimited(
    text: str, file: str, suffix: str, wanted: Sequence[str], given: Sequence[str] | None, advice: str
) -> Table:
    if not given and (fault := names_fault(text, wanted, suffix)):
        raise PretraceError(f"{file}: {fault}")
    found = delimited_rows(text, suffix, file)
    names = list(given or (found.fields[0] if found.fields else []))
    rows, spans = (found.fields, found.spans) if given else (found.fields[1:], found.spans[1:])
    widths = set(map(len, rows))
    if widths != {len(names)}:
        _check_widths(rows, spans, names, file, suffix, bool(given))
    if suffix != ".csv" and '""' in text and (at := doubled_quotes(rows)) is not None:
        raise PretraceError(
            f"{file}: line {spans[at][0]}: texts are in quotes, and quotes in them are doubled, as .csv has them; in "
            f"{suffix} quotes are text: write it again without (pandas: quoting=csv.QUOTE_NONE), or as .csv with commas"
        )
    columns = {}
    for name in dict.fromkeys(wanted):
        if names.count(name) == 1:
            at = names.index(name)
            columns[name] = [row[at] if at < len(row) else "" for row in rows]
    return Table(file, names, columns, places_of(file, len(rows)), spans, advice)


def _check_widths(
    rows: list[list[str]], spans: list[tuple[int, int]], names: list[str], file: str, suffix: str, given: bool
) -> None:
    """Raise `PretraceError` for a row with more fields than names; one with fewer has empty ones at its end."""
    has = f"column_names has {len(names)}" if given else f"the line of names has {len(names)}"
    for row, (line, _) in zip(rows, spans, strict=True):
        if len(row) > len(names):
            comma = "put a text with commas in quotes" if suffix == ".csv" else "a text cannot hold a tab"
            raise PretraceError(f"{file}: line {line} has more fields than there are names: {len(row)}; {has}; {comma}")
    if given and rows and (most := max(map(len, rows))) < len(names):
        raise PretraceError(f"{file}: {has} names, and no line has more than {most} fields")


def _objects(text: str, file: str, wanted: Sequence[str], advice: str, before: Before = NOTHING) -> Table:
    """Read .jsonl; a key that a row lacks is None there."""
    names: dict[str, None] = dict.fromkeys(before.names)
    columns: dict[str, list[Any]] = {name: [] for name in wanted}
    lines: list[tuple[int, int]] = []
    last: list[str] = []
    for line, content in enumerate(io.StringIO(text, newline=""), before.lines + 1):
        if not content.strip():
            continue
        lines.append((line, line))
        try:
            row = read_object(content)
            if (own := names_of(row)) != last:
                check_columns([name for name in columns if name in row], own)
                names.update(dict.fromkeys(own))
                last = own
        except BadInputError as bad:
            number = before.rows + len(lines)
            raise PretraceError(_with_line(bad.at(file, number).line, number, line)) from None
        for name, values in columns.items():
            values.append(row.get(name))
    columns = {name: values for name, values in columns.items() if name in names}
    return Table(file, list(names), columns, places_of(file, len(lines), before.rows), lines, advice)


def _with_line(said: str, row: int, line: int) -> str:
    """Add the line to a sentence about a row, where blank lines come before it."""
    return said if row == line else said.replace(f"row {row}: ", f"row {row} (line {line}): ", 1)


def _parquet(content: bytes, file: str, wanted: Sequence[str], advice: str) -> Table:
    names: list[str] = []
    columns: dict[str, list[Any]] = {}
    source = SourceFile(f"{file}.parquet", file, len(content), lambda: io.BytesIO(content))

    def choose(present: list[str]) -> list[str]:
        names.extend(present)
        columns.update({name: [] for name in wanted if names.count(name) == 1})
        return list(columns)

    count = 0
    try:
        for batch in parquet_batches(source, choose):
            _check_rows(count + batch.num_rows, file)
            for name, values in columns.items():
                values.extend(_plain(batch, name, file, count))
            count += batch.num_rows
    except BadInputError as bad:
        raise PretraceError(bad.at(file).line if content else f"{file}: has no rows") from None
    return Table(file, names, columns, places_of(file, count), advice=advice)


def _plain(batch: Any, name: str, file: str, before: int) -> list[Any]:
    """Return the values of a column of a batch as Python has them: Arrow's null is None, `1` beside a null is 1."""
    try:
        return batch.column(name).to_pylist()
    except (ValueError, OverflowError):
        pass
    values = []
    for index in range(batch.num_rows):
        try:
            values.append(cell(batch, name, index))
        except BadInputError as bad:
            raise PretraceError(bad.at(file, before + index + 1).line) from None
    return values


def check_texts(table: Table) -> None:
    """Raise `PretraceError` for text that a corpus would refuse, too."""
    for name, values in table.columns.items():
        if not _are_texts(values):
            for place, value in zip(table.places, values, strict=True):
                _check_cell(name, place, value)


def _are_texts(values: list[Any]) -> bool:
    """Return True if all text in a column is sound, without a look at each cell."""
    try:
        text = "".join(value for value in values if isinstance(value, str))
        small = len(text if text.isascii() else text.encode()) <= DOCUMENT_BYTES
    except UnicodeEncodeError:
        return False
    return small and "\0" not in text and not any(isinstance(value, list) for value in values)


def _check_cell(name: str, place: str, value: Any) -> None:
    try:
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                check_text(text)
    except BadInputError as bad:
        said = bad.at("").line.removeprefix(": ")
        raise PretraceError(f"{place}: column {name!r}: {said}") from None
