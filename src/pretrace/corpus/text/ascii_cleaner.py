"""Cleaning of plain lines with array operations over whole blocks of text: what makes `clean_text` fast.

A line is plain if it has nothing but printable ASCII, tabs, curly quotes, dashes, ellipses and Western letters between
ASCII, and no "&". ftfy only straightens the quotes of such a line (`fix_unicode.PLAIN`, `WESTERN`), so one byte is
enough for each of its characters, and text is standardized by replacing bytes. After that nearly all chunks are
regular: ASCII letters that are no special word, or a single sign; spaCy returns those as they are. numpy finds the few
others, and only those become Python strings and are looked up.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import product

import numpy as np

from pretrace.corpus.text.chunks.token_joins import TokenJoins
from pretrace.corpus.text.chunks.word_matcher import MAX_LENGTH, ChunkArrays, WordMatcher
from pretrace.corpus.text.single_byte import CHARACTERS, ELLIPSIS, NOT_PLAIN, as_bytes, as_text, utf16_units

SIGNS = b'-~!";?+,)(/*[]}{|_'
"""Signs whose runs get spaces around them (`clean.RUN_OF_ONE_SIGN`)."""
OTHER_LINE, NEXT_TEXT = 1, 3
"""Bytes that no plain line has: for a whole line that is not plain, and for the line between two texts."""
SPACE, NEWLINE, STOP = 32, 10, 46
SIGN_TABLE = bytes(code in SIGNS for code in range(256))

OtherLine = Callable[[int, str], str]
"""Cleans a line that is not plain, given its number and its text with its end."""


class PlainLineCleaner:
    """Cleans blocks of whole lines.

    Args:
        special: spaCy's special words.
        joins: finds the spaces that do not separate chunks.
        single: the single characters that spaCy returns as they are.
        tokens: from chunks to their tokens in lower case, joined by a space.
    """

    def __init__(
        self,
        special: Iterable[str],
        joins: TokenJoins,
        single: str,
        tokens: Callable[[list[str]], list[str]],
    ) -> None:
        self._tokens = tokens
        regular = {OTHER_LINE, NEXT_TEXT, SPACE, NEWLINE, *map(ord, string.ascii_letters + single)}
        self._odd = bytes(code not in regular for code in range(256))
        self._joins_at = joins.joins_at
        self._may_join = np.zeros(1 << 16, bool)
        for before, after in map(tuple, joins.surroundings):
            if before in CHARACTERS and after in CHARACTERS:
                self._may_join[CHARACTERS.index(before) << 8 | CHARACTERS.index(after)] = True
        words = {word for word in special if word.isascii()}
        letters = {word for word in words if word.isalpha()}
        before_stop = {word[:-1] for word in words if word[-1] == "." and word[:-1].isalpha()}
        runs = {chr(sign) * length for sign, length in product(SIGNS, range(2, MAX_LENGTH + 1))}
        self._special, self._keeps_stop = WordMatcher(letters | runs), WordMatcher(letters | before_stop)

    def __call__(self, block: str, other_line: OtherLine) -> str:
        """Return the clean text of a block; `other_line` cleans a line that is not plain, given its number and text."""
        raw = as_bytes(block)
        return self._clean(*(_without_other_lines(block, raw, other_line) if NOT_PLAIN in raw else (raw, [])))

    def many(self, texts: Sequence[str], other_line: Callable[[int, int, str], str]) -> list[str]:
        """Return the clean text of each of several blocks, in one go; `other_line` is given the block's number first.

        Together they are shorter than `fix_unicode.FTFY_SEGMENT`.
        """
        joined = "\n\n".join(texts)
        raw = as_bytes(joined)
        units = [len(text) if len(raw) == len(joined) else utf16_units(text) for text in texts]
        ends = np.cumsum(units) + 2 * np.arange(len(units))
        rows = [raw[end - length : end] for end, length in zip(ends.tolist(), units, strict=True)]
        others: list[str] = []
        not_plain = np.flatnonzero(np.frombuffer(raw, np.uint8) == NOT_PLAIN)
        for number in np.unique(np.searchsorted(ends, not_plain, side="right")).tolist():
            other = partial(other_line, number)
            rows[number], cleaned = _without_other_lines(texts[number], rows[number], other)
            others += cleaned
        together = self._clean((b"\n%c\n" % NEXT_TEXT).join(rows), others)
        return [text.strip("\n") for text in together.split(chr(NEXT_TEXT))]

    def _clean(self, raw: bytes | bytearray, others: list[str]) -> str:
        standard = _standardize(raw)
        if not standard:
            return ""
        text = self._tokenize_text(standard)
        return _with_other_lines(text, others) if others else text

    def _tokenize_text(self, raw: bytes) -> str:
        """Return standardized text in lower case, with the chunks that are not regular replaced by their tokens."""
        data = np.frombuffer(raw, np.uint8)
        spaces: np.ndarray = np.flatnonzero(_is_white(data))
        last: np.ndarray = data[spaces - 1]
        first: np.ndarray = data[spaces + 1]
        odd = np.flatnonzero(np.frombuffer(raw.translate(self._odd), bool))
        glued = spaces[self._may_join[last.astype(np.uint16) << 8 | first] & (data[spaces] == SPACE)].tolist()
        if glued:
            text = as_text(raw)
            glued = [at for at in glued if self._joins_at(text, at)]
        if glued:
            odd = np.concatenate([odd, glued])
            inside = np.searchsorted(spaces, glued)
            spaces, last, first = (np.delete(array, inside) for array in (spaces, last, first))
        starts, ends = np.concatenate([[0], spaces + 1]), np.concatenate([spaces, [len(data)]])
        chunks = ChunkArrays.of(raw, starts, ends - starts, np.concatenate([data[:1], first]))
        last = np.concatenate([last, data[-1:]])
        signs = np.bincount(np.searchsorted(spaces, odd), minlength=len(starts))
        flagged = self._special.matches(chunks, last) | (signs > 0)
        stops = np.flatnonzero((last == STOP) & (signs == 1) & (chunks.length > 2))
        if not len(stops):
            return self._replace_chunks(raw, starts[flagged].tolist(), ends[flagged].tolist())
        stops = stops[self._splits_from_stop(chunks.shortened(stops), data[ends[stops] - 2])]
        flagged[stops] = False
        split_stops = ends[stops] - 1
        starts, ends = starts[flagged], ends[flagged]
        moved = np.searchsorted(split_stops, starts)  # no split stop is inside a flagged chunk
        return self._replace_chunks(
            _insert_spaces(data, split_stops), (starts + moved).tolist(), (ends + moved).tolist()
        )

    def _splits_from_stop(self, words: ChunkArrays, last: np.ndarray) -> np.ndarray:
        """Tell which words of ASCII letters spaCy splits from the full stop after them; see `word_tokenizer.EASY`."""
        return (last >= ord("a")) & (last <= ord("z")) & ~self._keeps_stop.matches(words, last)

    def _replace_chunks(self, raw: bytes, starts: list[int], ends: list[int]) -> str:
        text, lower = as_text(raw), raw.lower().decode("latin-1")  # outside of those chunks all letters are ASCII
        parts = [""] * (2 * len(starts) + 1)
        parts[0::2] = [lower[end:start] for end, start in zip([0, *ends], [*starts, len(text)], strict=True)]
        parts[1::2] = self._tokens([text[start:end] for start, end in zip(starts, ends, strict=True)])
        return "".join(parts)


def _without_other_lines(block: str, raw: bytearray, other_line: OtherLine) -> tuple[bytearray, list[str]]:
    """Return the block with `OTHER_LINE` for each line that is not plain, and the clean text of those lines.

    They are cleaned with their line ends, as ftfy looks at those, too: an "œ" before one is suspicious.
    """
    lines, rows = block.split("\n"), raw.split(b"\n")
    others = []
    for number, row in enumerate(rows):
        if NOT_PLAIN in row:
            cleaned = other_line(number, lines[number] + "\n" * (number < len(lines) - 1))
            rows[number] = bytearray([OTHER_LINE] if cleaned else [])
            others += [cleaned] if cleaned else []
    return bytearray(b"\n").join(rows), others


def _with_other_lines(text: str, others: list[str]) -> str:
    between = text.split(chr(OTHER_LINE))
    return "".join([part for pair in zip(between, [*others, ""], strict=True) for part in pair])


def _standardize(raw: bytes | bytearray) -> bytes:
    """Do as `clean.standardize` on ASCII, but with bare line ends: single spaces around runs of a sign."""
    if ELLIPSIS in raw:
        raw = raw.replace(b"%c" % ELLIPSIS, b"...")
    data = _single_white(np.frombuffer(raw.strip(), np.uint8))
    sign, white = np.frombuffer(data.tobytes().translate(SIGN_TABLE), bool), _is_white(data)
    between = (sign[1:] | sign[:-1]) & (data[1:] != data[:-1]) & ~(white[1:] | white[:-1])
    return _insert_spaces(data, np.flatnonzero(between) + 1)


def _single_white(data: np.ndarray) -> np.ndarray:
    """Replace each run of white space by one line end if it has one, else by one space."""
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


def _insert_spaces(data: np.ndarray, positions: np.ndarray) -> bytes:
    """Insert a space before each of these positions, which are in order."""
    out = np.full(len(data) + len(positions), SPACE, np.uint8)
    kept = np.ones(len(out), bool)
    kept[positions + np.arange(len(positions))] = False
    out[kept] = data
    return out.tobytes()
