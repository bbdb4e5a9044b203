"""The text of a file of rows, as UTF-8; what it is instead, in words."""

from __future__ import annotations

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


def decode(content: bytes, file: str, suffix: str) -> str:
    """Return the text of a file, without a byte order mark.

    Raises:
        PretraceError: it is not in UTF-8, or no text; names the line, and the byte from 1.
    """
    for start, what in OTHER_FILES.items():
        if content.startswith(start):
            raise PretraceError(f"{file}: not readable as {suffix}: it is {what}")
    if content.startswith(BYTE_ORDER_MARKS):
        raise PretraceError(f"{file}: not readable as {suffix}: it is {UTF_16}")
    if (place := content.find(b"\0")) >= 0:
        what = UTF_16 if content.count(b"\0") > len(content) // 4 else "no text"
        raise PretraceError(f"{file}: not readable as {suffix}: line {_line(content, place)} has a NUL: it is {what}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PretraceError(f"{file}: {not_utf8(content, error.start)}") from None


def not_utf8(content: bytes, place: int) -> str:
    """Return a sentence on the byte at index `place`, with the line that it is in."""
    byte = content[place : place + 1]
    try:
        letter = byte.decode("cp1252")
        guess = f", perhaps {letter!r} in Windows-1252; convert it (iconv -f WINDOWS-1252 -t UTF-8)"
    except UnicodeDecodeError:
        guess = "; convert it (iconv -t UTF-8), or mend that line"
    return f"line {_line(content, place)}: not UTF-8: byte {place + 1} of the file is 0x{byte.hex()}{guess}"


def _line(content: bytes, place: int) -> int:
    """Return the number, from 1, of the line that a byte is in."""
    return len((content[:place] + b".").splitlines())
