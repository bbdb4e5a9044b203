"""Which sets of characters a regular expression asks for, in the parts of it that can match in text of a few signs.

The expression is read with Python's own parser, which has no public name (`re._parser`).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

Node = tuple[str, Any]
"""A part of an expression: its kind, and what it is of.

    set    the number of a set of characters, one of which is matched
    all    parts one after the other
    any    parts of which one matches
    maybe  a part that may be left out
    free   nothing that tells characters apart
"""
Items = tuple[tuple[str, Any], ...]
"""A set as the parser gives it: characters, ranges, categories; or all others."""
REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
INNER = {"SUBPATTERN": 3, "ASSERT": 1}
"""Where the parser has the part inside."""


class UnknownExpressionError(Exception):
    """An expression that is not understood here."""


class CharacterSets:
    """The sets of characters of several compiled expressions.

    Raises:
        UnknownExpressionError: one has a back reference, or something else that is not understood.
    """

    def __init__(self, expressions: Iterable[re.Pattern[str]]) -> None:
        self._numbers: dict[Items, int] = {}
        self._sets: list[CharacterSet] = []
        self._have_letters: list[bool] = []
        self._of_sign: dict[str, list[int]] = {}
        self.ignores_case = False
        self._nodes = [self._read(expression) for expression in expressions]

    def asked_of(self, signs: str) -> list[int]:
        """Return the numbers of the sets that decide where text of letters and these signs matches."""
        alive = list(self._have_letters)
        for sign in signs:
            if sign not in self._of_sign:
                self._of_sign[sign] = [number for number, one in enumerate(self._sets) if sign in one]
            for number in self._of_sign[sign]:
                alive[number] = True
        found: dict[int, None] = {}
        for node in self._nodes:
            found |= dict.fromkeys(_alive(node, alive) or ())
        return list(found)

    def places(self, numbers: Iterable[int], character: str) -> tuple[bool, ...]:
        """Return which of the sets have a character."""
        return tuple([character in self._sets[number] for number in numbers])

    def _read(self, expression: re.Pattern[str]) -> Node:
        from re import _parser  # type: ignore[attr-defined]

        tree = _parser.parse(expression.pattern, expression.flags)
        self.ignores_case = self.ignores_case or bool(tree.state.flags & re.IGNORECASE) or "(?i" in expression.pattern
        return "all", list(self._sequence(tree))

    def _sequence(self, tree: Any) -> Iterator[Node]:
        for operation, value in tree:
            yield self._node(str(operation), value)

    def _node(self, name: str, value: Any) -> Node:
        if name == "LITERAL":
            return self._set((("LITERAL", value),))
        if name == "NOT_LITERAL":
            return self._set((("NEGATE", None), ("LITERAL", value)))
        if name == "IN":
            return self._set(tuple((str(kind), str(of) if str(kind) == "CATEGORY" else of) for kind, of in value))
        if name in ("ANY", "AT"):
            word = self._set((("CATEGORY", "CATEGORY_WORD"),))
            return ("maybe", word) if "BOUNDARY" in str(value) else ("free", None)
        if name == "BRANCH":
            return "any", [("all", list(self._sequence(branch))) for branch in value[1]]
        if name == "ASSERT_NOT":
            return "maybe", ("all", list(self._sequence(value[1])))
        if name in REPEATS:
            inner = ("all", list(self._sequence(value[2])))
            return inner if value[0] else ("maybe", inner)
        if name in INNER:
            return "all", list(self._sequence(value[INNER[name]]))
        if name == "ATOMIC_GROUP":
            return "all", list(self._sequence(value))
        raise UnknownExpressionError(name)

    def _set(self, items: Items) -> Node:
        if items not in self._numbers:
            self._numbers[items] = len(self._sets)
            self._sets.append(CharacterSet(items))
            self._have_letters.append(self._sets[-1].has_letters)
        return "set", self._numbers[items]


def _alive(node: Node, alive: list[bool]) -> list[int] | None:
    """Return the numbers of the sets in the parts of a node that can match; None if it cannot."""
    kind, of = node
    if kind == "set":
        return [of] if alive[of] else None
    if kind == "maybe":
        return _alive(of, alive) or []
    found: list[int] = []
    if kind == "all":
        for part in of:
            own = _alive(part, alive)
            if own is None:
                return None
            found += own
    elif kind == "any":
        matching = [own for part in of if (own := _alive(part, alive)) is not None]
        if not matching:
            return None
        for own in matching:
            found += own
    return found


class CharacterSet:
    """A set of characters, as bounds of its ranges and classes such as that of digits."""

    def __init__(self, items: Items) -> None:
        self.negated = items[0][0] == "NEGATE"
        ranges = []
        self.classes: list[tuple[Callable[[str], bool], bool]] = []
        for kind, of in items[self.negated :]:
            if kind in ("LITERAL", "RANGE"):
                ranges.append((of, of) if kind == "LITERAL" else of)
            elif kind == "CATEGORY" and of.replace("_NOT", "") in CLASSES:
                self.classes.append((CLASSES[of.replace("_NOT", "")], "_NOT" in of))
            else:
                raise UnknownExpressionError(f"{kind} {of}")
        self.bounds: list[int] = []
        """First of each range, one past its last, and so on: ranges do not touch."""
        for first, last in sorted(ranges):
            if self.bounds and first <= self.bounds[-1]:
                self.bounds[-1] = max(self.bounds[-1], last + 1)
            else:
                self.bounds += [first, last + 1]

    def __contains__(self, character: str) -> bool:
        inside = bool(bisect_right(self.bounds, ord(character)) & 1)
        return self.negated != (inside or any(test(character) != negated for test, negated in self.classes))

    @property
    def has_letters(self) -> bool:
        """True if a letter may be in it."""
        if self.negated or any(test is not str.isspace and test is not str.isdecimal for test, _ in self.classes):
            return True
        codes = (range(*self.bounds[at : at + 2]) for at in range(0, len(self.bounds), 2))
        return any(negated for _, negated in self.classes) or any(map(is_letter, map(chr, chain.from_iterable(codes))))


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


CLASSES: dict[str, Callable[[str], bool]] = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_WORD": _is_word,
}
"""By the parser's names."""


def is_letter(character: str) -> bool:
    """Return True for letters and for the marks that are written with them."""
    return character.isalpha() or unicodedata.category(character)[0] == "M"
