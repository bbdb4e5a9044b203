"""Where the words of a prepared text stand in the raw text, so that a passage can be shown as it was written.

Words are found line by line, as they are asked for. Both sides are compared without case, white space and the signs
that GPT-1's recipe changes; a line in which anything else differs, such as one with HTML entities, has no places.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, cached_property

from pretrace.corpus.text.clean import REPLACEMENTS
from pretrace.corpus.text.raw_lines import raw_lines

QUOTES = {
    **dict.fromkeys("\u02bc\u2018\u2019\u201a\u201b", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f", '"'),
}
"""Quotes that ftfy straightens."""
IGNORED = ("Cc", "Cf", "Zs", "Zl", "Zp")
"""Categories of characters that are in no word: control and format characters, and white space."""
Span = tuple[int, int]
"""Beginning and end in the raw text."""


class WordSpans:
    """The places of words in a raw text.

    Args:
        raw: the text.
        words: of the prepared text, in order.
        line_starts: the number of the first word of each of its lines, and the number of words.
    """

    def __init__(self, raw: str, words: Sequence[str], line_starts: Sequence[int]) -> None:
        self.raw, self._words, self._line_starts = raw, words, line_starts
        self._found: dict[int, list[Span | None]] = {}

    def of(self, number: int) -> Span | None:
        """Return the place of a word; None where its line cannot be compared."""
        firsts, pieces = self._pieces
        at = bisect_right(firsts, number) - 1
        if at not in self._found:
            start, piece, end = pieces[at]
            self._found[at] = [
                found and (start + found[0], start + found[1]) for found in align(piece, self._words[firsts[at] : end])
            ]
        within = number - firsts[at]
        return self._found[at][within] if within < len(self._found[at]) else None

    @cached_property
    def _pieces(self) -> tuple[list[int], list[tuple[int, str, int]]]:
        """The first words of the pieces of the raw text; and of each its place, its text and where its words end."""
        firsts, pieces, line, start = [], [], 0, 0
        last = len(self._line_starts) - 1
        for piece, lines in raw_lines(self.raw):
            if lines and line < last:
                firsts.append(self._line_starts[line])
                pieces.append((start, piece, self._line_starts[min(line + lines, last)]))
            line += lines
            start += len(piece)
        return firsts, pieces


def align(raw: str, words: Sequence[str]) -> list[Span | None]:
    """Return the place of each word in the raw text that they are made from; None for all if that cannot be told."""
    letters = [(letter, at) for at, character in enumerate(raw) for letter in folded(character)]
    lengths = [sum(len(folded(character)) for character in word) for word in words]
    if "".join([letter for letter, _ in letters]) != "".join([folded(sign) for word in words for sign in word]):
        return [None] * len(words)
    spans: list[Span | None] = []
    at = 0
    for length in lengths:
        spans.append((letters[at][1], letters[at + length - 1][1] + 1) if length else None)
        at += length
    return spans


@cache
def folded(character: str) -> str:
    """Return what stands for a character when texts are compared; nothing for white space."""
    character = QUOTES.get(character) or REPLACEMENTS.get(character) or character
    parts = unicodedata.normalize("NFKD", character).casefold()
    return "".join([part for part in parts if not part.isspace() and unicodedata.category(part) not in IGNORED])
