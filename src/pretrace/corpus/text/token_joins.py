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

GLUE = "\0"
"""Replaces a space that does not separate chunks; ftfy leaves none in a text."""
LETTERS = set(string.ascii_letters)


class TokenJoins:
    """Finds the spaces across which spaCy could join the parts of one of its special words."""

    def __init__(self, tokenizer: Any) -> None:
        # spaCy's patterns never split between two ASCII letters, so no part is the end of a longer word; its rules do.
        split = list(_split_between_letters(tokenizer))
        ends, beginnings = {end for end, _ in split}, {beginning for _, beginning in split}
        self._parts: dict[str, list[tuple[str, str, bool, bool, str, str]]] = {}
        for before, left, right, after in sorted(set(_neighboring_parts(tokenizer))):
            whole_left = left[0] in LETTERS and left not in beginnings
            whole_right = right[-1] in LETTERS and right not in ends
            parts = (left, right, whole_left, whole_right, before, after)
            self._parts.setdefault(left[-1] + right[0], []).append(parts)
        lasts, firsts = ("".join({re.escape(pair[side]) for pair in self._parts}) for side in (0, 1))
        self._candidates = re.compile(f"(?<=[{lasts}]) (?=[{firsts}])")

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
                    not (whole_left and start and text[start - 1] in LETTERS)
                    and not (whole_right and text[end : end + 1] in LETTERS)
                    and text.endswith((before, before + " "), 0, start)
                    and text.startswith((after, " " + after), end)
                ):
                    return True
        return False

    def glue(self, text: str) -> str:
        """Replace those spaces by `GLUE`."""
        return self._candidates.sub(lambda match: GLUE if self.joins_at(text, match.start()) else " ", text)


def _neighboring_parts(tokenizer: Any) -> Iterator[tuple[str, str, str, str]]:
    """Yield four neighboring parts of special words, split without their rules, with "" at both ends."""
    from spacy.tokenizer import Tokenizer

    names = ("prefix_search", "suffix_search", "infix_finditer", "token_match", "url_match")
    without_rules = Tokenizer(tokenizer.vocab, rules={}, **{name: getattr(tokenizer, name) for name in names})
    for word in tokenizer.rules:
        parts = ["", *[token.text for token in without_rules(word)], ""]
        yield from zip(parts, parts[1:], parts[2:], parts[3:], strict=False)


def _split_between_letters(tokenizer: Any) -> Iterator[tuple[str, str]]:
    """Yield tokens of special words that are split between two ASCII letters ("can" and "not")."""
    for word in tokenizer.rules:
        for left, right in pairwise([token.text for token in tokenizer(word)]):
            if left[-1] in LETTERS and right[0] in LETTERS:
                yield left, right
