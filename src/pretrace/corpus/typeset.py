"""Cleaning of plainly typeset lines with operations over whole blocks of text: what makes `clean_text` fast.

A line is plainly typeset if it holds nothing but printable ASCII, tabs, curly quotes, dashes, ellipses and Western
letters between ASCII, and no "&". ftfy only straightens the quotes of such a line (`encoding.TYPESET`, `WESTERN`), so a
byte is enough for each of its characters, and the standard form comes from replacing bytes. After that nearly all
chunks are plain: ASCII letters of no special word, or one sign; spaCy gives those back as they are. numpy finds the few
others, and only those become Python strings and are looked up.
"""

from __future__ import annotations

import codecs
import string
from collections.abc import Callable, Iterable
from itertools import product

import numpy as np

from pretrace.corpus.encoding import CURLY, FTFY_SEGMENT, LETTERS, LIGATURES, STRAIGHT
from pretrace.corpus.joining import JoiningSpaces

SIGNS = b'-~!";?+,)(/*[]}{|_'
"""The signs of which a run gets spaces around it (`clean.RUN_OF_ONE_SIGN`)."""
NOT_TYPESET, OTHER_LINE, ELLIPSIS = 0, 1, 2
"""Bytes that stand in no typeset line: for a character of another line, for a whole one, and for three dots that are
one character."""
SPACE, NEWLINE, STOP = 32, 10, 46
LONGEST = 15
"""Longer chunks count as this long where special words are told by their length, first and last letter."""


class TypesetCleaner:
    """Cleans blocks of whole lines.

    Args:
        special: spaCy's special words.
        joining: finds the spaces that do not part chunks.
        whole: the single characters that spaCy gives back as they are.
        tokens: from chunks to their tokens in lower case, joined by a space.
        other_line: cleans a line that is not plainly typeset, given as its text and its number in the block.
    """

    def __init__(
        self,
        special: Iterable[str],
        joining: JoiningSpaces,
        whole: str,
        tokens: Callable[[list[str]], list[str]],
    ) -> None:
        self._tokens = tokens
        plain = {OTHER_LINE, SPACE, NEWLINE, *map(ord, string.ascii_letters + whole)}
        self._odd = bytes(code not in plain for code in range(256))
        self._joins = joining.joins
        self._may_join = np.zeros(1 << 16, bool)
        for before, after in joining.around:
            if before in CHARACTERS and after in CHARACTERS:
                self._may_join[CHARACTERS.index(before) << 8 | CHARACTERS.index(after)] = True
        words = {word for word in special if word.isascii()}
        self._special = _table({word for word in words if word.isalpha()})
        with_stop = {word[:-1] for word in words if word[-1] == "." and word[:-1].isalpha()}
        self._keeps_stop = self._special | _table(with_stop)
        for sign, length, last in product(SIGNS, range(2, LONGEST + 1), range(32)):
            self._special[length << 12 | sign << 5 | last] = True  # a run of a sign

    def __call__(self, block: str, other_line: Callable[[int, str], str]) -> str:
        """The clean form of a block; `other_line` cleans a line that is not plainly typeset, given its number."""
        raw = _as_bytes(block)
        others: list[str] = []
        if NOT_TYPESET in raw:
            raw, others = _without_other_lines(block, raw, other_line)
        raw = _standard_form(raw)
        if not raw:
            return ""
        text = self._tokenised(raw)
        if not others:
            return text
        between = text.split(chr(OTHER_LINE))
        return "".join([piece for pair in zip(between, [*others, ""], strict=True) for piece in pair])

    def _tokenised(self, raw: bytes) -> str:
        """Text in its standard form with the chunks that are not plain replaced by their tokens, in lower case."""
        data = np.frombuffer(raw, np.uint8)
        parting = np.flatnonzero(_is_white(data))
        last, first = data[parting - 1], data[parting + 1]
        odd = np.flatnonzero(np.frombuffer(raw.translate(self._odd), bool))
        text = _as_text(raw)
        glued = np.flatnonzero(self._may_join[last.astype(np.uint16) << 8 | first] & (data[parting] == SPACE))
        glued = [number for number in glued if self._joins(text, parting[number])]
        if glued:
            odd = np.concatenate([odd, parting[glued]])
            parting, last, first = (np.delete(array, glued) for array in (parting, last, first))
        starts, ends = np.concatenate([[0], parting + 1]), np.concatenate([parting, [len(data)]])
        length = np.minimum(ends - starts, LONGEST).astype(np.uint16)
        first, last = np.concatenate([data[:1], first]), np.concatenate([last, data[-1:]])
        flagged = self._special[length << 12 | first.astype(np.uint16) << 5 | last & 31]
        signs = np.bincount(np.searchsorted(parting, odd), minlength=len(starts))
        flagged |= signs > 0
        stops = np.flatnonzero((last == STOP) & (signs == 1) & (length > 2))
        if len(stops):
            stops = stops[self._parts_from_stop(data[ends[stops] - 2], first[stops], (ends - starts)[stops] - 1)]
            flagged[stops] = False
            places = ends[stops] - 1
            text = _as_text(np.insert(data, places, SPACE).tobytes())
            starts, ends = starts[flagged], ends[flagged]
            moved = np.searchsorted(places, starts)  # no stop that was parted is inside of a chunk that is flagged
            return self._replaced(text, (starts + moved).tolist(), (ends + moved).tolist())
        return self._replaced(text, starts[flagged].tolist(), ends[flagged].tolist())

    def _parts_from_stop(self, last: np.ndarray, first: np.ndarray, length: np.ndarray) -> np.ndarray:
        """Whether spaCy parts words of ASCII letters from the full stop behind them; see `chunks.EASY`."""
        length = np.minimum(length, LONGEST).astype(np.uint16)
        keeps = self._keeps_stop[length << 12 | first.astype(np.uint16) << 5 | last & 31]
        return (last >= ord("a")) & (last <= ord("z")) & ~keeps

    def _replaced(self, text: str, starts: list[int], ends: list[int]) -> str:
        lower = text.lower()
        pieces = [""] * (2 * len(starts) + 1)
        pieces[0::2] = [lower[end:start] for end, start in zip([0, *ends], [*starts, len(text)], strict=True)]
        pieces[1::2] = self._tokens([text[start:end] for start, end in zip(starts, ends, strict=True)])
        return "".join(pieces)


def _table(words: Iterable[str]) -> np.ndarray:
    """Marks what words have in common: by length, first and last letter."""
    table = np.zeros(1 << 16, bool)
    for word in words:
        table[min(len(word), LONGEST) << 12 | ord(word[0]) << 5 | ord(word[-1]) & 31] = True
    return table


def _as_bytes(block: str) -> bytearray:
    """A byte for each UTF-16 unit of the block: what it becomes in a typeset line, or `NOT_TYPESET`."""
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


def _leave_suspicious(codes: np.ndarray, places: np.ndarray, units: np.ndarray) -> None:
    """Set to `NOT_TYPESET` the letters among `codes` with which `encoding.SUSPICIOUS` finds fault."""
    letters = codes > MOST_ASCII
    if len(units) >= FTFY_SEGMENT:
        codes[letters] = NOT_TYPESET
        return
    pairs = np.flatnonzero((np.diff(places) == 1) & (letters[1:] | letters[:-1]))
    codes[pairs], codes[pairs + 1] = NOT_TYPESET, NOT_TYPESET
    for number in np.flatnonzero(np.isin(codes, LIGATURE_BYTES)):
        following = units[places[number] + 1 : places[number] + 2].tobytes()
        if not following.decode("utf-16-le", "replace").isalpha():
            codes[number] = NOT_TYPESET


def _as_text(raw: bytes) -> str:
    return raw.decode("ascii") if raw.isascii() else codecs.charmap_decode(raw, "strict", CHARACTERS)[0]


def _without_other_lines(
    block: str, raw: bytearray, other_line: Callable[[int, str], str]
) -> tuple[bytearray, list[str]]:
    """The block with a sign in the place of each line that is not typeset, and what those lines become.

    They are cleaned with their line ends, as ftfy looks at those, too: an "œ" in front of one is suspicious.
    """
    lines, rows = block.split("\n"), raw.split(b"\n")
    others = []
    for number, row in enumerate(rows):
        if NOT_TYPESET in row:
            cleaned = other_line(number, lines[number] + "\n" * (number < len(lines) - 1))
            rows[number] = bytearray([OTHER_LINE] if cleaned else [])
            others += [cleaned] if cleaned else []
    return bytearray(b"\n").join(rows), others


def _standard_form(raw: bytes | bytearray) -> bytes:
    """What `clean.standardise` makes of an ASCII text, but for bare line ends: single spaces around runs of a sign."""
    if ELLIPSIS in raw:
        raw = raw.replace(b"%c" % ELLIPSIS, b"...")
    data = _single_white(np.frombuffer(raw.strip(), np.uint8))
    sign, white = np.frombuffer(data.tobytes().translate(SIGN_TABLE), bool), _is_white(data)
    between = (sign[1:] | sign[:-1]) & (data[1:] != data[:-1]) & ~(white[1:] | white[:-1])
    places = np.flatnonzero(between)
    out = np.full(len(data) + len(places), SPACE, np.uint8)
    kept = np.ones(len(out), bool)
    kept[places + np.arange(1, len(places) + 1)] = False
    out[kept] = data
    return out.tobytes()


def _single_white(data: np.ndarray) -> np.ndarray:
    """Each run of white space as one line end if it has one, else as one space."""
    white = _is_white(data)
    dropped = np.flatnonzero(white[1:] & white[:-1]) + 1
    if not len(dropped):
        return data
    kept = np.ones(len(data), bool)
    kept[dropped] = False
    out = data[kept]
    ends = np.flatnonzero(data == NEWLINE)
    out[ends - np.searchsorted(dropped, ends, side="right")] = NEWLINE
    return out


def _is_white(data: np.ndarray) -> np.ndarray:
    return (data == SPACE) | (data == NEWLINE)


def _bytes_beyond() -> np.ndarray:
    """From a UTF-16 unit beyond ASCII to the byte that it becomes in a typeset line: uint8, shape (65536,)."""
    table = np.full(1 << 16, NOT_TYPESET, np.uint8)
    for sign in CURLY:
        table[ord(sign)] = ord(STRAIGHT[sign])
    table[[ord("\N{EN DASH}"), ord("\N{EM DASH}")]] = ord("-")
    table[ord("\N{HORIZONTAL ELLIPSIS}")] = ELLIPSIS
    for number, letter in enumerate(BYTE_LETTERS, MOST_ASCII + 1):
        table[ord(letter)] = number
    return table


MOST_ASCII = 127
ASCII_BYTES = bytes(code if 0x20 <= code < 0x7F and code != ord("&") else NOT_TYPESET for code in range(256))
ASCII_BYTES = ASCII_BYTES[:9] + b" \n" + ASCII_BYTES[11:]  # a tab is a space, a line end stays
BYTE_LETTERS = "".join(letter for letter in LETTERS if letter not in "\xc2\xc3")
"""The letters that have a byte: those that may stand alone."""
CHARACTERS = "".join(map(chr, range(MOST_ASCII + 1))) + BYTE_LETTERS
"""From a byte to its character."""
LIGATURE_BYTES = [CHARACTERS.index(letter) for letter in LIGATURES]
BYTES_BEYOND = _bytes_beyond()
SIGN_TABLE = bytes(code in SIGNS for code in range(256))
