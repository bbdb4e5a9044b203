"""The text of a file of rows, as UTF-8; what it is instead, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pretrace.common.errors import PretraceError

OTHER_FILES = {
    b"\x1f\x8b": "a gzip file (gunzip unpacks it)",
    b"\x28\xb5\x2f\xfd": "a zstd file (unzstd unpacks it)",
    b"PK\x03\x04": "a ZIP file or an Excel workbook (in Excel: save as CSV UTF-8)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (in Excel: save as CSV UTF-8)",
    b"PAR1": "a Parquet file (name it .parquet)",
}
"""By the first bytes."""
UTF_16 = "UTF-16, as Excel's Unicode text is; save as CSV UTF-8, or convert it (iconv -f UTF-16 -t UTF-8)"
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Before:
    """The part of a file before the one that is read: its size in bytes, its lines, rows and columns."""

    size: int = 0
    lines: int = 0
    rows: int = 0
    names: tuple[str, ...] = ()

    def plus(self, lines: Sequence[bytes], rows: int, names: Iterable[str]) -> Before:
        """Return what comes before the lines that follow these; `names` are those of all columns so far."""
        return Before(self.size + sum(map(len, lines)), self.lines + len(lines), self.rows + rows, tuple(names))


NOTHING = Before()


def decode(content: bytes, file: str, suffix: str, before: Before = NOTHING) -> str:
    """Return the text of a file, or of whole lines of it, without a byte order mark.

    Raises:
        PretraceError: it is not in UTF-8, or no text; names the line, and the byte from 1.
    """
    if not before.size:
        for start, what in OTHER_FILES.items():
            if content.startswith(start):
                raise PretraceError(f"{file}: not readable as {suffix}: it is {what}")
        if content.startswith(BYTE_ORDER_MARKS):
            raise PretraceError(f"{file}: not readable as {suffix}: it is {UTF_16}")
    if (place := content.find(b"\0")) >= 0:
        what = UTF_16 if content.count(b"\0") > len(content) // 4 else "no text"
        line = _line(content, place, before)
        raise PretraceError(f"{file}: not readable as {suffix}: line {line} has a NUL: it is {what}")
    try:
        return content.decode("utf-8" if before.size else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise PretraceError(f"{file}: {not_utf8(content, error.start, before)}") from None


def not_utf8(content: bytes, place: int, before: Before = NOTHING) -> str:
    """Return a sentence on the byte at index `place`, with the line that it is in."""
    byte = content[place : place + 1]
    try:
        letter = byte.decode("cp1252")
        guess = f", perhaps {letter!r} in Windows-1252; convert it (iconv -f WINDOWS-1252 -t UTF-8)"
    except UnicodeDecodeError:
        guess = "; convert it (iconv -t UTF-8), or mend that line"
    line, number = _line(content, place, before), before.size + place + 1
    return f"line {line}: not UTF-8: byte {number} of the file is 0x{byte.hex()}{guess}"


def _line(content: bytes, place: int, before: Before) -> int:
    """Return the number, from 1, of the line that a byte is in."""
    return before.lines + len((content[:place] + b".").splitlines())
