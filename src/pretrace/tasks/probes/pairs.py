"""The probes `same` and `nearness`: are two passages from one document, and how near are they?

Both begin with pairs of passages of one document. Two pairs that could exchange their second passages make a unit; a
draw decides which units do. So each passage is as likely in a right row as in a wrong one, and tells nothing alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pretrace.settings import ProbeSettings
from pretrace.tasks.dataset import SPLITS, Row, TaskData
from pretrace.tasks.passages import Text, chunks
from pretrace.tasks.probes.rows import balanced, joined, shuffled

COMMON_WORDS = 100
"""The most frequent words of the corpus ("the", "of"), which any two passages may share."""
STEM = 5
"""Letters at a word's beginning by which it is told from others: "array" and "arrays" are one word (ours)."""
FAR = 8
"""Most passages from one to the other in a pair of `same` (ours)."""
Words = tuple[str, ...]
NEARNESS = ("another source", "the same source", "the same document", "the next passage")


@dataclass(frozen=True)
class Passage:
    """Consecutive words of a document."""

    text: Text
    place: int
    words: Words
    stems: frozenset[str]
    """Beginnings of its words, but for the most common words."""

    def shares_a_word(self, other: Passage) -> bool:
        """Return whether both have a word of one stem, other than the most common."""
        return not self.stems.isdisjoint(other.stems)


Pair = tuple[Passage, Passage]
Unit = tuple[Pair, Pair]


def same(texts: dict[str, list[Text]], wanted: dict[str, int], sizes: ProbeSettings) -> TaskData:
    """Return pairs of passages from one document or from two, whose second passages were exchanged.

    No pair shares a word, but for the most common: it takes a common subject, not a repeated word.
    """
    task = TaskData("similarity", "accuracy", ["two documents", "one document"])
    common = common_words(texts)
    for split in SPLITS:
        pairs = shuffled(pairs_of(texts[split], sizes.pair_words, 2, FAR, common), "same", split)
        found = units(pairs, lambda a, b: a.text.id != b.text.id)
        found = shuffled(found, "same", split, "exchange")[: wanted[split] // 4 * 2]
        rows = []
        for right, wrong in zip(found[::2], found[1::2], strict=False):
            rows += [row for both in zip(_rows(right, 1), _rows(exchanged(wrong), 0), strict=True) for row in both]
        task.splits[split] = rows
    return task


def nearness(texts: dict[str, list[Text]], wanted: dict[str, int], sizes: ProbeSettings) -> TaskData:
    """Return pairs of passages with their nearness: 0 other sources, 1 one source, 2 one document, 3 the next passage.

    As in `same`, no pair shares a word, but for the most common. Of each sort of units three in four are exchanged.
    """
    task = TaskData("regression", "pearson", None, details={"scale": list(NEARNESS)})
    common = common_words(texts)
    relations: tuple[Callable[[Passage, Passage], bool], ...] = (
        lambda a, b: a.text.source != b.text.source,
        lambda a, b: a.text.source == b.text.source and a.text.id != b.text.id,
        lambda a, b: a.text.id == b.text.id and abs(a.place - b.place) > 2,
    )
    for split in SPLITS:
        pairs = shuffled(pairs_of(texts[split], sizes.pair_words, 1, 1, common), "nearness", split)
        sorts = [
            shuffled(units(pairs[grade :: len(relations)], relation), "nearness", split, str(grade))
            for grade, relation in enumerate(relations)
        ]
        rows: list[Row] = []
        for number, group in enumerate(zip(*sorts, strict=False)):
            for grade, unit in enumerate(group):
                rows += _rows(unit, 3.0) if number % 4 == 0 else _rows(exchanged(unit), float(grade))
        task.splits[split] = balanced(rows)
    return task


def common_words(texts: dict[str, list[Text]]) -> set[str]:
    """Return the most frequent words of the probe documents, whatever split they are in."""
    counts = Counter(word for split in SPLITS for text in texts[split] for word in text.words)
    return {word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:COMMON_WORDS]}


def stems(words: Iterable[str], common: set[str]) -> frozenset[str]:
    """Return the beginnings of words, but for `common` ones."""
    return frozenset(word[:STEM] for word in words if word not in common)


def pairs_of(texts: list[Text], length: int, nearest: int, farthest: int, common: set[str]) -> list[Pair]:
    """Return pairs of passages of a document that share no word and are so far apart; no passage is in two."""
    times = Counter(passage for text in texts for passage in chunks(text, length))
    pairs = []
    for text in texts:
        run = [Passage(text, place, words, stems(words, common)) for place, words in enumerate(chunks(text, length))]
        left = [passage for passage in run if times[passage.words] == 1]
        while left:
            first = left.pop(0)
            for at, second in enumerate(left):
                if second.place - first.place > farthest:
                    break
                if second.place - first.place >= nearest and not first.shares_a_word(second):
                    pairs.append((first, left.pop(at)))
                    break
    return pairs


def units(pairs: list[Pair], related: Callable[[Passage, Passage], bool]) -> list[Unit]:
    """Return two pairs each that could exchange their second passages; no pair is in two units.

    Then, too, no row shares a word.
    """
    left, found = list(pairs), []
    while left:
        first = left.pop(0)
        for at, other in enumerate(left):
            if related(first[0], other[0]) and not any(
                one.shares_a_word(two) for one, two in exchanged((first, other))
            ):
                found.append((first, left.pop(at)))
                break
    return found


def exchanged(unit: Unit) -> Unit:
    """Return two pairs with their second passages exchanged."""
    (a, b), (c, d) = unit
    return (a, d), (c, b)


def _rows(unit: Unit, label: float) -> list[Row]:
    return [Row((joined(first.words), joined(second.words)), label, first.text.id) for first, second in unit]
