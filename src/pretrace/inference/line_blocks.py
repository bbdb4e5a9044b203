"""Whole lines of a stream as they come, some at a time: an endless one takes no more memory than a short one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, cast

from pretrace.common.errors import PretraceError
from pretrace.common.units import readable_bytes
from pretrace.corpus.readers.beginning import with_line_ends
from pretrace.corpus.readers.row import DOCUMENT_BYTES

BLOCK_BYTES = 1 << 16
BLOCK_LINES = 1024


def line_blocks(stream: BinaryIO, name: str) -> Iterator[list[bytes]]:
    """Yield lines with their ends, LF; at most `BLOCK_LINES` at once, and as soon as they are there.

    Lines end in LF, or in CR if the first ones do; the last one may have no end.

    Args:
        name: of the stream, for errors.

    Raises:
        PretraceError: a line has more than `DOCUMENT_BYTES`, or the stream cannot be read.
    """
    buffered = stream if hasattr(stream, "peek") else cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", stream)))
    parts: list[bytes] = []
    size = lines = 0
    for chunk in _chunks(with_line_ends(buffered), name):
        whole, end, rest = chunk.rpartition(b"\n")
        if end:
            done = [line + end for line in b"".join([*parts, whole]).split(end)]
            yield from (done[at : at + BLOCK_LINES] for at in range(0, len(done), BLOCK_LINES))
            lines, parts, size = lines + len(done), [], 0
        parts.append(rest)
        size += len(rest)
        if size > DOCUMENT_BYTES:
            raise PretraceError(f"{name}: line {lines + 1}: more than {readable_bytes(DOCUMENT_BYTES)}")
    if size:
        yield [b"".join(parts)]


def _chunks(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield what is there, at most `BLOCK_BYTES`, until the stream ends."""
    try:
        while chunk := cast("io.BufferedReader", stream).read1(BLOCK_BYTES):
            yield chunk
    except OSError as error:
        raise PretraceError(f"{name}: cannot be read ({error.strerror})") from None
