"""Spaces that do not part chunks: spaCy's special words, such as ":o)", also join parts that a space stands between.

spaCy takes a special word apart without its rule, and looks for the parts that it gets next to each other in the
text. So a space may be inside of a special word only if the token in front of it is such a part and the token behind
it the next one, and the parts before and after those are there, too. What is found here are all those spaces, and a
few more.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

GLUE = "\0"
"""Takes the place of a space that does not part chunks; ftfy leaves none in a text."""
LETTERS = set(string.ascii_letters)


class JoiningSpaces:
    """Finds the spaces across which spaCy could join the parts of one of its special words."""

    def __init__(self, tokenizer: Any) -> None:
        # spaCy's patterns never part two ASCII letters, so a part is not the end of a longer word; but its rules do.
        torn = list(_parted_between_letters(tokenizer))
        ends, beginnings = {end for end, _ in torn}, {beginning for _, beginning in torn}
        self._parts: dict[str, list[tuple[str, str, bool, bool, str, str]]] = {}
        for before, left, right, after in sorted(set(_neighbours(tokenizer))):
            whole_left = left[0] in LETTERS and left not in beginnings
            whole_right = right[-1] in LETTERS and right not in ends
            found = (left, right, whole_left, whole_right, before, after)
            self._parts.setdefault(left[-1] + right[0], []).append(found)
        lasts, firsts = ("".join({re.escape(pair[place]) for pair in self._parts}) for place in (0, 1))
        self._candidates = re.compile(f"(?<=[{lasts}]) (?=[{firsts}])")

    @property
    def around(self) -> list[str]:
        """The two characters around such spaces."""
        return list(self._parts)

    def joins(self, text: str, space: int) -> bool:
        """Whether the space at this place could be inside of a special word."""
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

    def glued(self, text: str) -> str:
        """The text with `GLUE` for those spaces."""
        return self._candidates.sub(lambda found: GLUE if self.joins(text, found.start()) else " ", text)


def _neighbours(tokenizer: Any) -> Iterator[tuple[str, str, str, str]]:
    """Four parts of special words in a row, as they fall without the rules for them; "" before the first, or after."""
    from spacy.tokenizer import Tokenizer

    names = ("prefix_search", "suffix_search", "infix_finditer", "token_match", "url_match")
    without_rules = Tokenizer(tokenizer.vocab, rules={}, **{name: getattr(tokenizer, name) for name in names})
    for word in tokenizer.rules:
        parts = ["", *[token.text for token in without_rules(word)], ""]
        yield from zip(parts, parts[1:], parts[2:], parts[3:], strict=False)


def _parted_between_letters(tokenizer: Any) -> Iterator[tuple[str, str]]:
    """Tokens of special words between which two ASCII letters are parted ("can" and "not")."""
    for word in tokenizer.rules:
        for left, right in pairwise([token.text for token in tokenizer(word)]):
            if left[-1] in LETTERS and right[0] in LETTERS:
                yield left, right
