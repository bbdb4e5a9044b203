"""Chunks that spaCy splits at the same places, because its patterns cannot tell them apart: one is split for all.

spaCy asks regular expressions where a chunk begins, ends and is cut, and looks parts of it up among its special words.
Two letters are the same to the expressions if every set of characters in them has both or neither. That is so for
nearly all letters of a language, once the branches are left out that cannot match for want of a sign, such as the units
that need a digit in front. So a chunk has a shape, with one letter in the place of all that are the same; the first
chunk of a shape is split by spaCy, and the others at the same places, unless a part is a special word.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

from pretrace.corpus.text.chunks.character_sets import CharacterSets, UnknownExpressionError, is_letter

METHODS = ("prefix_search", "suffix_search", "infix_finditer", "url_match")
"""Members that ask expressions; `token_match`, which has a million characters in French, is called instead."""
MOST_PARTS, MOST_CHARACTERS = 8, 60
OFTEN = 20
"""Chunks with the same signs from which on a table of letters pays."""
NO_SHAPE = " \n\0" + string.digits
"""Signs whose chunks are split one by one: white space and what stands for it, and too many that differ."""
Shape = tuple[str, str]
"""The signs of a chunk, and the chunk with one letter for all that are the same."""


class ChunkShapes:
    """Splits chunks as spaCy's tokenizer does, where it has split another one of the same shape.

    Args:
        tokenizer: spaCy's.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._rules, self._token_match = tokenizer.rules, tokenizer.token_match
        self._sets = _character_sets(tokenizer)
        self._letters: dict[str, _Letters] = {}
        self._seen: Counter[str] = Counter()
        self._lengths: dict[Shape, tuple[int, ...]] = {}

    def whole(self, chunks: Iterable[str]) -> list[str]:
        """Return those of some chunks that are one token, as they have letters only."""
        if self._sets is None or self._sets.asked_of(""):
            return []
        rules = self._rules
        return [chunk for chunk in chunks if chunk.isalpha() and chunk not in rules]

    def shape(self, chunk: str) -> Shape | None:
        """Return the shape of a chunk; None if it is like no other."""
        signs = "" if chunk.isalpha() else "".join(sorted({sign for sign in chunk if not is_letter(sign)}))
        letters = self._letters.get(signs)
        if letters is None:
            self._seen[signs] += 1
            if self._sets is None or self._seen[signs] < OFTEN or not set(signs).isdisjoint(NO_SHAPE):
                return None
            letters = self._letters[signs] = _Letters(self._sets, signs)
        if len(chunk) > MOST_CHARACTERS:
            return None
        return signs, "".join([letters[letter] for letter in chunk])

    def split(self, chunk: str, shape: Shape) -> list[str] | None:
        """Return the tokens of a chunk of this shape; None if spaCy has to be asked."""
        lengths = self._lengths.get(shape)
        if lengths is None:
            return None
        tokens, start = [], 0
        for length in lengths:
            tokens.append(chunk[start : start + length])
            start += length
        # A single token that a pattern keeps whole is what it is anyway.
        return None if self._has_special(tokens) or any(map(self._is_kept, _runs(tokens, 2))) else tokens

    def learn(self, chunk: str, shape: Shape, tokens: list[str]) -> None:
        """Remember how spaCy has split the chunk, if nothing that it looks up had a part in it."""
        if len(tokens) > MOST_PARTS or "".join(tokens) != chunk or self._has_special(tokens):
            return
        if not any(map(self._is_kept, _runs(tokens, 1))):
            self._lengths[shape] = tuple(map(len, tokens))

    def _has_special(self, tokens: list[str]) -> bool:
        return any(run in self._rules for run in _runs(tokens, 1))

    def _is_kept(self, part: str) -> bool:
        return self._token_match is not None and self._token_match(part) is not None


def _runs(tokens: list[str], least: int) -> Iterator[str]:
    """Yield the text of so many and more neighboring tokens: all parts that spaCy looks up are such."""
    for start, end in combinations(range(len(tokens) + 1), 2):
        if end - start >= least:
            yield "".join(tokens[start:end])


class _Letters(dict[str, str]):
    """From a character to the first one seen that is in the same sets; signs stay as they are."""

    def __init__(self, sets: CharacterSets, signs: str) -> None:
        super().__init__()
        self._sets, self._asked = sets, sets.asked_of(signs)
        self._first: dict[tuple[bool, ...], str] = {}

    def __missing__(self, character: str) -> str:
        first, ignores_case = character, self._sets.ignores_case
        # Where case is ignored, letters beyond ASCII have forms that only the engine knows.
        if is_letter(character) and (character.isascii() or not ignores_case):
            forms = (character, character.lower(), character.upper()) if ignores_case else (character,)
            places = [place for form in forms for place in self._sets.places(self._asked, form)]
            first = self._first.setdefault(tuple(places), character)
        self[character] = first
        return first


def _character_sets(tokenizer: Any) -> CharacterSets | None:
    """Return the sets of a tokenizer's expressions; None where one of them is a function, or is not understood."""
    owners = [getattr(method, "__self__", None) for name in METHODS if (method := getattr(tokenizer, name))]
    expressions = [one for one in owners if isinstance(one, re.Pattern)]
    if len(expressions) < len(owners):
        return None
    try:
        return CharacterSets(expressions)
    except (UnknownExpressionError, ImportError):
        return None
