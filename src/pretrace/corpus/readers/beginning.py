"""Signs in the first bytes of a file: that it is no text at all, in UTF-16, or has the line ends of old Macs."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from pretrace.corpus.readers.decompress import BUFFER_BYTES
from pretrace.corpus.readers.faults import BadInputError

OTHER_CONTENT = {
    b"\x1f\x8b\x08": "gzip; give it a name that ends in .gz",
    b"\x28\xb5\x2f\xfd": "zstd; give it a name that ends in .zst",
    b"PAR1\x15": "Parquet; give it a name that ends in .parquet",
    b"PK\x03\x04": "a ZIP archive or an Office document; unpack it, or save it as text in UTF-8",
    b"\xd0\xcf\x11\xe0": "an old Office document; save it as text in UTF-8",
    b"BZh": "bzip2; unpack it (bunzip2)",
    b"\xfd7zXZ\0": "xz; unpack it (unxz)",
    b"%PDF-": "a PDF; take the text out (pdftotext)",
}
"""By the first bytes: what a file is, and what to do."""
UTF_16 = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
"""By the byte order mark: the encoding, as iconv calls it."""
LOOKED_AT = 32
"""Bytes of which every other one is a NUL in UTF-16 without a byte order mark."""


def check_beginning(stream: BinaryIO) -> None:
    """Look at the first bytes of a text file, without reading them.

    Raises:
        BadInputError: "other_content" or "utf16".
    """
    first = _peek(stream)
    for beginning, what in OTHER_CONTENT.items():
        if first.startswith(beginning):
            raise BadInputError("other_content", what)
    if encoding := UTF_16.get(first[:2]) or _utf16_without_mark(first[:LOOKED_AT]):
        raise BadInputError("utf16", encoding)


def _utf16_without_mark(first: bytes) -> str | None:
    even, odd = first[0::2], first[1::2]
    for encoding, letters, nuls in (("UTF-16LE", even, odd), ("UTF-16BE", odd, even)):
        if len(nuls) > 1 and not any(nuls) and all(letters):
            return encoding
    return None


def with_line_ends(stream: BinaryIO) -> BinaryIO:
    """Return a stream whose lines end in LF: this one, or one that turns CR into LF if its lines end in CR alone."""
    first = _peek(stream)
    if b"\r" not in first[:-1] or b"\n" in first:  # what follows the last byte is not known
        return stream
    return io.BufferedReader(_CarriageReturns(stream), BUFFER_BYTES)


def _peek(stream: Any) -> bytes:
    return bytes(stream.peek(LOOKED_AT))


class _CarriageReturns(io.RawIOBase):
    """A stream with LF for each CR."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._stream.read1(len(buffer)).replace(b"\r", b"\n")
        buffer[: len(chunk)] = chunk
        return len(chunk)
