"""The probes `follows` and `cloze`: does a passage continue another, and which of four does?"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from pretrace.settings import ProbeSettings
from pretrace.tasks.dataset import SPLITS, Row, TaskData
from pretrace.tasks.passages import Text, generator_for
from pretrace.tasks.probes.rows import balanced, joined, shuffled

CHOICES = 4
"""Continuations in `cloze`."""


class Cut(NamedTuple):
    """A window of text cut in two."""

    before: str
    after: str
    origin: str


def follows(texts: dict[str, list[Text]], wanted: dict[str, int], sizes: ProbeSettings) -> TaskData:
    """Return pairs of passages, of which the second continues the first or one of another document.

    The cuts fall inside sentences. Wrong rows have exchanged their continuations with each other, so a continuation
    occurs in wrong rows and in right ones alike.
    """
    task = TaskData("entailment", "accuracy", ["elsewhere", "continues"])
    for split in SPLITS:
        rows: list[Row] = []
        for group in cut_groups(texts[split], sizes, 4, "follows", split):
            for first, second in ((0, 0), (1, 3), (2, 2), (3, 1)):
                parts = (group[first].before, group[second].after)
                rows.append(Row(parts, int(first == second), group[first].origin))
        task.splits[split] = balanced(rows)
    return task


def cloze(texts: dict[str, list[Text]], wanted: dict[str, int], sizes: ProbeSettings) -> TaskData:
    """Return passages with four continuations, all cut in the same way; one is the true one."""
    task = TaskData("multiple_choice", "accuracy", None)
    for split in SPLITS:
        random = generator_for("cloze", split, "order")
        rows = []
        for group in cut_groups(texts[split], sizes, CHOICES, "cloze", split):
            right = int(random.integers(CHOICES))
            rows.append(Row((group[right].before, *(cut.after for cut in group)), right, group[right].origin))
        task.splits[split] = rows
    return task


def cut_groups(texts: list[Text], sizes: ProbeSettings, size: int, *names: str) -> list[list[Cut]]:
    """Return windows of text, each cut in two inside a sentence, in groups of `size` from as many documents."""
    before, after = sizes.context_words, sizes.continuation_words
    cuts: list[Cut] = []
    for text in texts:
        starts = np.array(text.sentence_starts)
        for first in range(0, len(text.words) - before - after + 1, before + after):
            cut = first + before
            # A cut next to a sentence's end would be recognized by its punctuation alone.
            if not np.any((starts >= cut - 2) & (starts <= cut + 2)):
                cuts.append(Cut(joined(text.words[first:cut]), joined(text.words[cut : cut + after]), text.id))
    # Two documents that share a text would make a wrong row of what is right.
    times = Counter(part for cut in cuts for part in (cut.before, cut.after))
    cuts = shuffled([cut for cut in cuts if times[cut.before] == times[cut.after] == 1], *names)
    groups = [cuts[i : i + size] for i in range(0, len(cuts) - size + 1, size)]
    return [group for group in groups if len({cut.origin for cut in group}) == size]
