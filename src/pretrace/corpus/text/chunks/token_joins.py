"""Spaces that do not separate chunks: spaCy's special words, such as ":o)", also join parts across a space.

spaCy splits a special word without its rule, and looks for the resulting parts next to each other in the text. So a
space can be inside a special word only if the token before it is such a part and the token after it the next one, and
the parts before and after those are there, too. All those spaces are found here, and a few more.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

GLUE = "\0"
"""Replaces a space that does not separate chunks; ftfy leaves none in a text."""
LONG = 5_000
"""Characters from which on looking at all spaces at once is faster."""
PAIRS = 1 << 16


class TokenJoins:
    """Finds the spaces across which spaCy could join the parts of one of its special words.

    Args:
        tokenizer: spaCy's.
        letters: between two of these its patterns never split, so that a part is not the end of a longer word; in
            English the ASCII letters. Its rules do split between them.
    """

    def __init__(self, tokenizer: Any, letters: str = string.ascii_letters) -> None:
        self._letters = set(letters)
        split = list(_split_between(tokenizer, self._letters))
        ends, beginnings = {end for end, _ in split}, {beginning for _, beginning in split}
        self._parts: dict[str, list[tuple[str, str, bool, bool, str, str]]] = {}
        for before, left, right, after in sorted(set(_neighboring_parts(tokenizer))):
            whole_left = left[0] in self._letters and left not in beginnings
            whole_right = right[-1] in self._letters and right not in ends
            parts = (left, right, whole_left, whole_right, before, after)
            self._parts.setdefault(left[-1] + right[0], []).append(parts)
        lasts, firsts = ("".join({re.escape(pair[side]) for pair in self._parts}) for side in (0, 1))
        self._candidates = re.compile(f"(?<=[{lasts}]) (?=[{firsts}])" if self._parts else "(?!)")

        self._may_join = np.zeros(PAIRS, bool)
        for pair in self._parts:
            self._may_join[_pair(*np.array(list(map(ord, pair)), np.uint32))] = True

    @property
    def surroundings(self) -> list[str]:
        """The two characters before and after such spaces."""
        return list(self._parts)

    def joins_at(self, text: str, space: int) -> bool:
        """Return True if the space at this index could be inside a special word."""
        for left, right, whole_left, whole_right, before, after in self._parts.get(
            text[space - 1] + text[space + 1], ()
        ):
            if text.endswith(left, 0, space) and text.startswith(right, space + 1):
                start, end = space - len(left), space + 1 + len(right)
                if (
                    not (whole_left and start and text[start - 1] in self._letters)
                    and not (whole_right and text[end : end + 1] in self._letters)
                    and text.endswith((before, before + " "), 0, start)
                    and text.startswith((after, " " + after), end)
                ):
                    return True
        return False

    def glue(self, text: str) -> str:
        """Replace those spaces by `GLUE`."""
        if len(text) < LONG:
            return self._candidates.sub(lambda match: GLUE if self.joins_at(text, match.start()) else " ", text)
        joined = [space for space in self._possible(text) if self.joins_at(text, space)]
        return (
            GLUE.join(
                [
                    text[start:end]
                    for start, end in zip([0, *(at + 1 for at in joined)], [*joined, len(text)], strict=True)
                ]
            )
            if joined
            else text
        )

    def _possible(self, text: str) -> list[int]:
        """Return the places of spaces between two characters that may join, found in all of a long text at once."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
        spaces = np.flatnonzero(codes[1:-1] == ord(" ")) + 1
        return spaces[self._may_join[_pair(codes[spaces - 1], codes[spaces + 1])]].tolist()


def _pair(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return a number below `PAIRS` of two characters; others may have the same."""
    return (before * np.uint32(257) + after) % np.uint32(PAIRS)


def _neighboring_parts(tokenizer: Any) -> Iterator[tuple[str, str, str, str]]:
    """Yield four neighboring parts of special words, split without their rules, with "" at both ends."""
    from spacy.tokenizer import Tokenizer

    names = ("prefix_search", "suffix_search", "infix_finditer", "token_match", "url_match")
    without_rules = Tokenizer(tokenizer.vocab, rules={}, **{name: getattr(tokenizer, name) for name in names})
    for word in tokenizer.rules:
        parts = ["", *[token.text for token in without_rules(word)], ""]
        yield from zip(parts, parts[1:], parts[2:], parts[3:], strict=False)


def _split_between(tokenizer: Any, letters: set[str]) -> Iterator[tuple[str, str]]:
    """Yield tokens of special words that are split between two of these letters ("can" and "not")."""
    for word in tokenizer.rules:
        for left, right in pairwise([token.text for token in tokenizer(word)]):
            if left[-1] in letters and right[0] in letters:
                yield left, right
