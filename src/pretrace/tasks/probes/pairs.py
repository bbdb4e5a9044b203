"""The probes `same` and `nearness`: are two passages from one document, and how near are they?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count

from pretrace.settings import ProbeSettings
from pretrace.tasks.probes.rows import balanced, shuffled
from pretrace.tasks.probes.texts import Text, chunks
from pretrace.tasks.probes.units import (
    Pair,
    Passage,
    common_words,
    exchanged,
    half_exchanged,
    rows_of,
    shares_words,
    stems,
    units,
)
from pretrace.tasks.rows.dataset import SPLITS, Row, TaskData

FAR = 8
"""Most passages from one to the other in a pair of `same` (ours)."""
NEARNESS = ("another source", "the same source", "the same document", "the next passage")


def same(texts: dict[str, list[Text]], wanted: dict[str, int], sizes: ProbeSettings) -> TaskData:
    """Return pairs of passages from one document or from two, whose second passages were exchanged.

    No pair shares a word, but for the most common: it takes a common subject, not a repeated word.
    """
    task = TaskData("similarity", "accuracy", ["two documents", "one document"])
    common = common_words(texts)
    for split in SPLITS:
        pairs = shuffled(pairs_of(texts[split], sizes.pair_words, 2, FAR, common), "same", split)
        found = units(pairs, lambda a, b: a.text.id != b.text.id)
        task.splits[split] = half_exchanged(found, wanted[split], "same", split, "exchange")
    return task


def nearness(texts: dict[str, list[Text]], wanted: dict[str, int], sizes: ProbeSettings) -> TaskData:
    """Return pairs of passages with their nearness: 0 other sources, 1 one source, 2 one document, 3 the next passage.

    As in `same`, no pair shares a word, but for the most common. Of each sort of units three in four are exchanged. A
    corpus of one source has no grade 0.
    """
    task = TaskData("regression", "pearson", None, details={"scale": list(NEARNESS)})
    common = common_words(texts)
    relations: tuple[Callable[[Passage, Passage], bool], ...] = (
        lambda a, b: a.text.source != b.text.source,
        lambda a, b: a.text.source == b.text.source and a.text.id != b.text.id,
        lambda a, b: a.text.id == b.text.id and abs(a.start - b.start) > 2 * sizes.pair_words,
    )
    lowest = int(len({text.source for split in SPLITS for text in texts[split]}) == 1)
    for split in SPLITS:
        pairs = shuffled(pairs_of(texts[split], sizes.pair_words, 1, 1, common), "nearness", split)
        sorts = [
            shuffled(
                units(pairs[grade - lowest :: len(relations) - lowest], relations[grade]), "nearness", split, str(grade)
            )
            for grade in range(lowest, len(relations))
        ]
        rows: list[Row] = []
        for number, group in enumerate(zip(*sorts, strict=False)):
            for grade, unit in enumerate(group, lowest):
                rows += rows_of(unit, 3.0) if number % 4 == 0 else rows_of(exchanged(unit), float(grade))
        task.splits[split] = balanced(rows)
    return task


def pairs_of(texts: list[Text], length: int, nearest: int, farthest: int, common: set[str]) -> list[Pair]:
    """Return pairs of passages of a document that share no word and are so far apart; no passage is in two."""
    times = Counter(passage for text in texts for passage in chunks(text, length))
    pairs = []
    for text in texts:
        run = [
            Passage(text, start, words, stems(words, common))
            for start, words in zip(count(step=length), chunks(text, length), strict=False)
        ]
        left = [passage for passage in run if times[passage.words] == 1]
        while left:
            first = left.pop(0)
            for at, second in enumerate(left):
                if second.start - first.start > farthest * length:
                    break
                if second.start - first.start >= nearest * length and not shares_words(first, second):
                    pairs.append((first, left.pop(at)))
                    break
    return pairs
