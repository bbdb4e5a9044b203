"""Units of two pairs of passages that could exchange their second passages.

A draw decides which units do. So each passage is as likely in a right row as in a wrong one, and tells nothing alone;
and no row of either sort shares a word, but for the most common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pretrace.tasks.probes.as_written import Drawn, row_of
from pretrace.tasks.probes.rows import shuffled
from pretrace.tasks.probes.texts import Text
from pretrace.tasks.rows.dataset import SPLITS, Row

COMMON_WORDS = 100
"""The most frequent words of the corpus ("the", "of"), which any two passages may share."""
STEM = 5
"""Letters at a word's beginning by which it is told from others: "array" and "arrays" are one word (ours)."""


@dataclass(frozen=True)
class Passage:
    """Consecutive words of a document."""

    text: Text
    start: int
    """Its first word's number in the document."""
    words: tuple[str, ...]
    stems: frozenset[str]
    """Beginnings of its words, but for the most common words."""

    @property
    def drawn(self) -> Drawn:
        return Drawn(self.words, self.text, self.start)


Pair = tuple[Passage, Passage]
Unit = tuple[Pair, Pair]


def common_words(texts: dict[str, list[Text]]) -> set[str]:
    """Return the most frequent words of the probe documents, whatever split they are in."""
    counts = Counter(word for split in SPLITS for text in texts[split] for word in text.words)
    return {word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:COMMON_WORDS]}


def shares_words(first: Passage, second: Passage) -> bool:
    """Return whether both have a word of one stem, other than the most common."""
    return not first.stems.isdisjoint(second.stems)


def stems(words: Iterable[str], common: set[str]) -> frozenset[str]:
    """Return the beginnings of words, but for `common` ones."""
    return frozenset(word[:STEM] for word in words if word not in common)


def units(pairs: list[Pair], related: Callable[[Passage, Passage], bool]) -> list[Unit]:
    """Return two pairs each that could exchange their second passages; no pair is in two units.

    Then, too, no row shares a word.
    """
    left, found = list(pairs), []
    while left:
        first = left.pop(0)
        for at, other in enumerate(left):
            fits = related(first[0], other[0]) and not shares_words(first[0], other[1])
            if fits and not shares_words(other[0], first[1]):
                found.append((first, left.pop(at)))
                break
    return found


def exchanged(unit: Unit) -> Unit:
    """Return two pairs with their second passages exchanged."""
    (a, b), (c, d) = unit
    return (a, d), (c, b)


def rows_of(unit: Unit, label: float) -> list[Row]:
    """Return a row for each pair."""
    return [row_of([first.drawn, second.drawn], label) for first, second in unit]


def half_exchanged(found: list[Unit], wanted: int, *names: str) -> list[Row]:
    """Return rows in turn of two labels: 1 for pairs as they are, 0 for those of units that have exchanged."""
    drawn = shuffled(found, *names)[: wanted // 4 * 2]
    rows: list[Row] = []
    for right, wrong in zip(drawn[::2], drawn[1::2], strict=False):
        for both in zip(rows_of(right, 1), rows_of(exchanged(wrong), 0), strict=True):
            rows += both
    return rows
