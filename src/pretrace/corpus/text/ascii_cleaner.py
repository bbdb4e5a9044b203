"""Cleaning of plainly typeset lines with operations over whole blocks of text: what makes `clean_text` fast.

A line is plainly typeset if it holds nothing but printable ASCII, tabs, curly quotes, dashes, ellipses and Western
letters between ASCII, and no "&". ftfy only straightens the quotes of such a line (`encoding.TYPESET`, `WESTERN`), so a
byte is enough for each of its characters, and the standard form comes from replacing bytes. After that nearly all
chunks are plain: ASCII letters of no special word, or one sign; spaCy gives those back as they are. numpy finds the few
others, and only those become Python strings and are looked up.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from itertools import product

import numpy as np

from pretrace.corpus.text.single_byte import CHARACTERS, ELLIPSIS, NOT_TYPESET, as_bytes, as_text
from pretrace.corpus.text.token_joins import JoiningSpaces
from pretrace.corpus.text.word_matcher import LONGEST, Chunked, OneOf

SIGNS = b'-~!";?+,)(/*[]}{|_'
"""The signs of which a run gets spaces around it (`clean.RUN_OF_ONE_SIGN`)."""
OTHER_LINE = 1
"""A byte that stands in no typeset line: in the place of a whole line that is none."""
SPACE, NEWLINE, STOP = 32, 10, 46
SIGN_TABLE = bytes(code in SIGNS for code in range(256))


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
        for before, after in map(tuple, joining.around):
            if before in CHARACTERS and after in CHARACTERS:
                self._may_join[CHARACTERS.index(before) << 8 | CHARACTERS.index(after)] = True
        words = {word for word in special if word.isascii()}
        letters = {word for word in words if word.isalpha()}
        with_stop = {word[:-1] for word in words if word[-1] == "." and word[:-1].isalpha()}
        runs = {chr(sign) * length for sign, length in product(SIGNS, range(2, LONGEST + 1))}
        self._special, self._keeps_stop = OneOf(letters | runs), OneOf(letters | with_stop)

    def __call__(self, block: str, other_line: Callable[[int, str], str]) -> str:
        """The clean form of a block; `other_line` cleans a line that is not plainly typeset, given its number."""
        raw = as_bytes(block)
        others: list[str] = []
        if NOT_TYPESET in raw:
            raw, others = _without_other_lines(block, raw, other_line)
        standard = _standard_form(raw)
        if not standard:
            return ""
        text = self._tokenised(standard)
        if not others:
            return text
        between = text.split(chr(OTHER_LINE))
        return "".join([piece for pair in zip(between, [*others, ""], strict=True) for piece in pair])

    def _tokenised(self, raw: bytes) -> str:
        """Text in its standard form with the chunks that are not plain replaced by their tokens, in lower case."""
        data = np.frombuffer(raw, np.uint8)
        parting: np.ndarray = np.flatnonzero(_is_white(data))
        last: np.ndarray = data[parting - 1]
        first: np.ndarray = data[parting + 1]
        odd = np.flatnonzero(np.frombuffer(raw.translate(self._odd), bool))
        glued = parting[self._may_join[last.astype(np.uint16) << 8 | first] & (data[parting] == SPACE)].tolist()
        if glued:
            text = as_text(raw)
            glued = [place for place in glued if self._joins(text, place)]
        if glued:
            odd = np.concatenate([odd, glued])
            kept = np.searchsorted(parting, glued)
            parting, last, first = (np.delete(array, kept) for array in (parting, last, first))
        starts, ends = np.concatenate([[0], parting + 1]), np.concatenate([parting, [len(data)]])
        chunks = Chunked.of(raw, starts, ends - starts, np.concatenate([data[:1], first]))
        last = np.concatenate([last, data[-1:]])
        signs = np.bincount(np.searchsorted(parting, odd), minlength=len(starts))
        flagged = self._special.among(chunks, last) | (signs > 0)
        stops = np.flatnonzero((last == STOP) & (signs == 1) & (chunks.length > 2))
        if not len(stops):
            return self._replaced(raw, starts[flagged].tolist(), ends[flagged].tolist())
        stops = stops[self._parts_from_stop(chunks.shortened(stops), data[ends[stops] - 2])]
        flagged[stops] = False
        places = ends[stops] - 1
        starts, ends = starts[flagged], ends[flagged]
        moved = np.searchsorted(places, starts)  # no stop that was parted is inside of a chunk that is flagged
        return self._replaced(_with_spaces(data, places), (starts + moved).tolist(), (ends + moved).tolist())

    def _parts_from_stop(self, words: Chunked, last: np.ndarray) -> np.ndarray:
        """Whether spaCy parts words of ASCII letters from the full stop behind them; see `chunks.EASY`."""
        return (last >= ord("a")) & (last <= ord("z")) & ~self._keeps_stop.among(words, last)

    def _replaced(self, raw: bytes, starts: list[int], ends: list[int]) -> str:
        text, lower = as_text(raw), raw.lower().decode("latin-1")  # outside of those chunks all letters are ASCII
        pieces = [""] * (2 * len(starts) + 1)
        pieces[0::2] = [lower[end:start] for end, start in zip([0, *ends], [*starts, len(text)], strict=True)]
        pieces[1::2] = self._tokens([text[start:end] for start, end in zip(starts, ends, strict=True)])
        return "".join(pieces)


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
    return _with_spaces(data, np.flatnonzero(between) + 1)


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


def _with_spaces(data: np.ndarray, places: np.ndarray) -> bytes:
    """The bytes with a space in front of each of these places, which are in order."""
    out = np.full(len(data) + len(places), SPACE, np.uint8)
    kept = np.ones(len(out), bool)
    kept[places + np.arange(len(places))] = False
    out[kept] = data
    return out.tobytes()
