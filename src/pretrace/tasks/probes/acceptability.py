"""The probe `acceptability`: is a sentence as it was written?"""

from __future__ import annotations

from collections import Counter

import numpy as np

from pretrace.settings import ProbeSettings
from pretrace.tasks.probes.as_written import Drawn, row_of
from pretrace.tasks.probes.perturbations import PERTURBATIONS, perturb, perturbable, places, turns_into
from pretrace.tasks.probes.rows import shuffled
from pretrace.tasks.probes.texts import Text, Word
from pretrace.tasks.rows.dataset import SPLITS, Row, TaskData
from pretrace.tasks.rows.draws import generator_for

LENGTHS = range(8, 31)
"""Words of a sentence (ours)."""
GROUP = 4
"""Sentences of similar length that are drawn together: two are perturbed, two are not."""
NEIGHBORS = 32
"""Perturbed sentences among which partners are looked for (ours)."""
Sentence = tuple[tuple[Word, ...], Text, int]
"""A sentence, its document and its place there."""


def acceptability(texts: dict[str, list[Text]], wanted: dict[str, int], sizes: ProbeSettings) -> TaskData:
    """Return sentences, half of them perturbed in several places (`perturbations.py`).

    Perturbed ones are perturbed in pairs, and both are rows, next to two as written of similar length.
    """
    task = TaskData("classification", "matthews", ["changed", "as written"], details={"changes": list(PERTURBATIONS)})
    # A sentence that occurs again would stand in one row as written and in another perturbed.
    times = Counter(sentence for split in SPLITS for text in texts[split] for sentence in text.sentences())
    for split in SPLITS:
        sentences = [
            (text.run(start, len(sentence)), text, start)
            for text in texts[split]
            for start, sentence in zip(text.sentence_starts, text.sentences(), strict=True)
            if len(sentence) in LENGTHS and times[sentence] == 1 and perturbable(sentence)
        ]
        random = generator_for("acceptability", split, "change")
        groups: list[list[Row]] = []
        for (a, b), written in _groups(shuffled(sentences, "acceptability", split), random):
            found = perturb((a[0], b[0]), sizes.words_per_change, random)
            if found and not any(times[sentence] for sentence in found):
                number = len(groups)
                changed = [
                    row_of([one._replace(words=words)], 0, number)
                    for words, one in zip(found, (Drawn(*a), Drawn(*b)), strict=True)
                ]
                rest = [row_of([Drawn(*sentence)], 1, number) for sentence in written]
                groups.append([row for both in zip(changed, rest, strict=True) for row in both])
        kept = shuffled(groups, "acceptability", split, "order")[: wanted[split] // GROUP]
        task.splits[split] = [row for group in kept for row in group]
    return task


def _groups(
    sentences: list[Sentence], random: np.random.Generator
) -> list[tuple[tuple[Sentence, Sentence], list[Sentence]]]:
    """Return two sentences to perturb together and two to leave as written, all of similar length, again and again."""
    ordered = sorted(sentences, key=lambda sentence: len(sentence[0]))
    to_change: list[Sentence] = []
    written: list[Sentence] = []
    for start in range(0, len(ordered) - GROUP + 1, GROUP):
        drawn = [ordered[start + int(i)] for i in random.permutation(GROUP)]
        to_change += drawn[:2]
        written += drawn[2:]
    pairs = [pair for i in range(0, len(to_change), NEIGHBORS) for pair in _pairs(to_change[i : i + NEIGHBORS])]
    return [(pair, written[2 * i : 2 * i + 2]) for i, pair in enumerate(pairs)]


def _pairs(sentences: list[Sentence]) -> list[tuple[Sentence, Sentence]]:
    """Return all sentences in pairs: with the next that has one's word in another number or tense, else the next."""
    words = [{words[i] for i in places(words)} for words, *_ in sentences]
    forms = [{form for word in found for form in turns_into(word)} for found in words]
    left = list(range(len(sentences)))
    pairs = []
    while left:
        first = left.pop(0)
        second = next((i for i in left if forms[first] & words[i]), left[0])
        left.remove(second)
        pairs.append((sentences[first], sentences[second]))
    return pairs
