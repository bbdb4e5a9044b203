"""Rows of a file: documents of plain text, lines of .jsonl; those of .parquet are in `parquet`.

A row is its number and its columns, or its fault, so that a bad row does not end the file. Faults that end the file
are raised. No more than one document is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from pretrace.corpus.readers.beginning import check_beginning, with_line_ends
from pretrace.corpus.readers.decompress import open_file
from pretrace.corpus.readers.faults import BadInputError
from pretrace.corpus.readers.json_lines import names_of, read_object
from pretrace.corpus.readers.row import DOCUMENT_BYTES, DocumentUnit, Row, check_columns
from pretrace.corpus.readers.source_file import SourceFile

SEGMENT_BYTES = 100_000
"""UTF-8 bytes after which a segment of a file ends at the next blank line; without one it ends before twice as many."""
SKIP_BYTES = 1 << 20


def read_rows(source: SourceFile, wanted: list[str], unit: DocumentUnit) -> Iterator[Row]:
    """Yield the rows of a file of any kind. Plain text has one column, the first of `wanted`.

    Raises:
        BadInputError: the file cannot be read any further; the rows before that have been given.
    """
    if source.kind == ".parquet":
        from pretrace.corpus.readers.parquet import parquet_rows

        yield from parquet_rows(source, wanted)
        return
    with open_file(source) as stream:
        check_beginning(stream)
        if source.kind == ".jsonl":
            yield from _objects(stream, wanted)
        else:
            for number, text in PLAIN_TEXT[unit](stream):
                if isinstance(text, str):
                    yield number, {wanted[0]: text if number is None else text.rstrip("\r\n")}
                else:
                    yield number, text


def _objects(stream: BinaryIO, wanted: list[str]) -> Iterator[Row]:
    for number, offset, line in _lines(stream):
        try:
            text = _decode(line, offset)
            if text.strip():
                yield number, _object(text, wanted)
        except BadInputError as bad:
            yield number, bad


def _object(text: str, wanted: list[str]) -> dict[str, Any]:
    row = read_object(text)
    check_columns(wanted, names_of(row))
    return {column: row[column] for column in wanted}


def _whole_file(stream: BinaryIO) -> Iterator[tuple[int | None, str | BadInputError]]:
    content = stream.read(DOCUMENT_BYTES + 1)
    yield None, _decode_or_fault(content if len(content) <= DOCUMENT_BYTES else None, 0)


def _by_line(stream: BinaryIO) -> Iterator[tuple[int | None, str | BadInputError]]:
    for number, offset, line in _lines(stream):
        yield number, _decode_or_fault(line, offset)


def _by_blank_line(stream: BinaryIO) -> Iterator[tuple[int | None, str | BadInputError]]:
    parts: list[bytes] = []
    number = offset = size = 0
    for line_number, line_offset, line in _lines(stream):
        if line is not None and not line.strip():
            if size:
                yield number, _decode_or_fault(b"".join(parts) if parts else None, offset)
            parts, size = [], 0
            continue
        if not size:
            number, offset = line_number, line_offset
        size += DOCUMENT_BYTES + 1 if line is None else len(line)
        if line is not None and size <= DOCUMENT_BYTES:
            parts.append(line)
        else:
            parts.clear()  # of a document that is too long only its position is kept
    if size:
        yield number, _decode_or_fault(b"".join(parts) if parts else None, offset)


def _in_segments(stream: BinaryIO) -> Iterator[tuple[int | None, str | BadInputError]]:
    parts: list[bytes] = []
    number = offset = size = 0
    for line_number, line_offset, line in _lines(stream):
        blank = line is not None and not line.strip()
        long = line is None or size + len(line) > 2 * SEGMENT_BYTES
        if parts and (long or (blank and size >= SEGMENT_BYTES)):
            yield number, _decode_or_fault(b"".join(parts), offset)
            parts, size = [], 0
        if line is None:
            yield line_number, _decode_or_fault(None, 0)
        elif parts or not blank:
            if not parts:
                number, offset = line_number, line_offset
            parts.append(line)
            size += len(line)
    if parts:
        yield number, _decode_or_fault(b"".join(parts), offset)


def _lines(stream: BinaryIO) -> Iterator[tuple[int, int, bytes | None]]:
    """Yield number, offset and bytes of each line; None for one that is too long, which is skipped in chunks.

    Lines end in LF, or in CR if the file's first ones do.
    """
    stream = with_line_ends(stream)
    number = offset = 0
    while line := stream.readline(DOCUMENT_BYTES + 1):
        number += 1
        if len(line) <= DOCUMENT_BYTES or line.endswith(b"\n"):
            yield number, offset, line
            offset += len(line)
            continue
        offset += len(line)
        while line and not line.endswith(b"\n"):
            line = stream.readline(SKIP_BYTES)
            offset += len(line)
        yield number, 0, None


def _decode_or_fault(content: bytes | None, offset: int) -> str | BadInputError:
    try:
        return _decode(content, offset)
    except BadInputError as bad:
        return bad


def _decode(content: bytes | None, offset: int) -> str:
    if content is None:
        raise BadInputError("too_long", DOCUMENT_BYTES)
    try:
        return content.decode("utf-8-sig" if offset == 0 else "utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError("not_utf8", f"{offset + error.start}{_perhaps(content, error.start)}") from None


def _perhaps(content: bytes, place: int) -> str:
    """Return what a byte is in the encoding of older Windows programs, if it is a letter or a sign there."""
    sign = content[place : place + 1].decode("cp1252", "replace")
    return f", perhaps {sign!r} in Windows-1252" if sign.isprintable() and sign != "\N{REPLACEMENT CHARACTER}" else ""


PLAIN_TEXT = {"file": _whole_file, "piece": _in_segments, "blank_line": _by_blank_line, "line": _by_line}
