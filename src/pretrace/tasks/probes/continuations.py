"""The probes `follows` and `cloze`: does a passage continue another, and which of four does?"""

from __future__ import annotations

from collections import Counter

from pretrace.settings import ProbeSettings
from pretrace.tasks.probes.as_written import row_of
from pretrace.tasks.probes.rows import shuffled
from pretrace.tasks.probes.texts import Text
from pretrace.tasks.probes.units import Pair, Passage, common_words, half_exchanged, shares_words, stems, units
from pretrace.tasks.rows.dataset import SPLITS, Row, TaskData
from pretrace.tasks.rows.draws import generator_for

CHOICES = 4
"""Continuations in `cloze`."""


def follows(texts: dict[str, list[Text]], wanted: dict[str, int], sizes: ProbeSettings) -> TaskData:
    """Return pairs of passages, of which the second continues the first or one of another document.

    Wrong rows have exchanged their continuations with each other (`units.py`).
    """
    task = TaskData("entailment", "accuracy", ["elsewhere", "continues"])
    common = common_words(texts)
    for split in SPLITS:
        cuts = shuffled(cuts_of(texts[split], sizes, common), "follows", split)
        found = units(cuts, lambda a, b: a.text.id != b.text.id)
        task.splits[split] = half_exchanged(found, wanted[split], "follows", split, "exchange")
    return task


def cloze(texts: dict[str, list[Text]], wanted: dict[str, int], sizes: ProbeSettings) -> TaskData:
    """Return passages with four continuations, all cut in the same way; one is the true one."""
    task = TaskData("multiple_choice", "accuracy", None)
    common = common_words(texts)
    for split in SPLITS:
        random = generator_for("cloze", split, "order")
        left = shuffled(cuts_of(texts[split], sizes, common), "cloze", split)
        rows: list[Row] = []
        while left:
            before, after = left.pop(0)
            choices = [after]
            others = _others(before, left)
            if len(others) < CHOICES - 1:
                continue
            for at in reversed(others):
                choices.append(left.pop(at)[1])
            right = int(random.integers(CHOICES))
            choices[0], choices[right] = choices[right], choices[0]
            rows.append(row_of([passage.drawn for passage in (before, *choices)], right))
        task.splits[split] = rows
    return task


def cuts_of(texts: list[Text], sizes: ProbeSettings, common: set[str]) -> list[Pair]:
    """Return passages and what follows, cut inside a sentence; the two share no word, and no cut overlaps another."""
    before, after = sizes.context_words, sizes.continuation_words
    cuts: list[Pair] = []
    for text in texts:
        starts = set(text.sentence_starts)
        own = [stems((word,), common) for word in text.words]
        first = 0
        while first + before + after <= len(text.words):
            cut = first + before
            # A cut next to a sentence's end would be recognized by its punctuation alone.
            if starts.isdisjoint(range(cut - 2, cut + 3)):
                one, two = (
                    Passage(text, start, text.words[start:end], frozenset().union(*own[start:end]))
                    for start, end in ((first, cut), (cut, cut + after))
                )
                if not shares_words(one, two):
                    cuts.append((one, two))
                    first += before + after
                    continue
            first += 1
    # Two documents that share a text would make a wrong row of what is right.
    times = Counter(part.words for cut in cuts for part in cut)
    return [cut for cut in cuts if times[cut[0].words] == times[cut[1].words] == 1]


def _others(before: Passage, cuts: list[Pair]) -> list[int]:
    """Return the places of the next cuts, each of another document, whose continuations share no word with `before`."""
    found: list[int] = []
    documents = {before.text.id}
    for at, (_, after) in enumerate(cuts):
        if after.text.id not in documents and not shares_words(before, after):
            found.append(at)
            documents.add(after.text.id)
            if len(found) == CHOICES - 1:
                break
    return found
