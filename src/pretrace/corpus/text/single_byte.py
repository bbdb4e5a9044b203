"""Plain text with one byte for each character: Latin-1, with a few more letters where that has control characters."""

from __future__ import annotations

import numpy as np

from pretrace.corpus.text.fix_unicode import CURLY, FTFY_SEGMENT, LETTERS, LIGATURES, STRAIGHT

NOT_PLAIN, ELLIPSIS = 0, 2
"""Bytes that are in no text: for a character that no plain line has, and for an ellipsis sign."""


def as_bytes(block: str) -> bytearray:
    """Return a byte for each UTF-16 unit of the block: what it becomes in a plain line, or `NOT_PLAIN`."""
    if block.isascii():
        return bytearray(block.encode("ascii")).translate(ASCII_BYTES)
    units = np.frombuffer(block.encode("utf-16-le", "surrogatepass"), "<u2")
    raw = bytearray(units.astype(np.uint8)).translate(ASCII_BYTES)
    beyond = np.flatnonzero(units > MOST_ASCII)
    codes = BYTES_BEYOND[units[beyond]]
    if codes.max() > MOST_ASCII:
        _leave_suspicious(codes, beyond, units)
    np.frombuffer(raw, np.uint8)[beyond] = codes
    return raw


def utf16_units(text: str) -> int:
    """Return how many UTF-16 units a text has."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _leave_suspicious(codes: np.ndarray, positions: np.ndarray, units: np.ndarray) -> None:
    """Set to `NOT_PLAIN` the letters among `codes` that `fix_unicode.SUSPICIOUS` matches."""
    letters = codes > MOST_ASCII
    if len(units) >= FTFY_SEGMENT:
        codes[letters] = NOT_PLAIN
        return
    pairs = np.flatnonzero((np.diff(positions) == 1) & (letters[1:] | letters[:-1]))
    codes[pairs], codes[pairs + 1] = NOT_PLAIN, NOT_PLAIN
    for number in np.flatnonzero(np.isin(codes, LIGATURE_BYTES)):
        following = units[positions[number] + 1 : positions[number] + 2].tobytes()
        if not following.decode("utf-16-le", "replace").isalpha():
            codes[number] = NOT_PLAIN


def as_text(raw: bytes) -> str:
    """Return the characters of those bytes."""
    text = raw.decode("latin-1")
    if not text.isascii():
        for code, letter in NOT_LATIN_1.items():  # a letter at a time is faster than a table
            text = text.replace(chr(code), letter)
    return text


def _bytes_beyond() -> np.ndarray:
    """Return the table from UTF-16 units beyond ASCII to bytes of a plain line: uint8, shape (65536,)."""
    table = np.full(1 << 16, NOT_PLAIN, np.uint8)
    for sign in CURLY:
        table[ord(sign)] = ord(STRAIGHT[sign])
    table[[ord("\N{EN DASH}"), ord("\N{EM DASH}")]] = ord("-")
    table[ord("\N{HORIZONTAL ELLIPSIS}")] = ELLIPSIS
    for letter in LETTERS:
        if letter not in "\xc2\xc3":  # those that are suspicious alone
            table[ord(letter)] = CHARACTERS.index(letter)
    return table


MOST_ASCII = 127
ASCII_BYTES = bytes(code if 0x20 <= code < 0x7F and code != ord("&") else NOT_PLAIN for code in range(256))
ASCII_BYTES = ASCII_BYTES[:9] + b" \n" + ASCII_BYTES[11:]  # a tab is a space, a line end stays
NOT_LATIN_1 = dict(enumerate([letter for letter in LETTERS if ord(letter) > 0xFF], MOST_ASCII + 1))
"""Letters by their bytes."""
CHARACTERS = "".join(NOT_LATIN_1.get(code, chr(code)) for code in range(256))
"""From a byte to its character."""
LIGATURE_BYTES = [CHARACTERS.index(letter) for letter in LIGATURES]
BYTES_BEYOND = _bytes_beyond()
