"""The probe `restore`: make a sentence whole again of which some words are missing and the others out of order.

A word moves by less than `WINDOW` places, so an order that is nearly right is given; of the missing words, only what is
around them tells. Sentences are of documents that pre-training has not seen, and each stands in one row alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pretrace.sequences.rows import SPLITS, SequenceData, SequenceRow
from pretrace.tasks.probes.rows import shuffled
from pretrace.tasks.probes.texts import Text
from pretrace.tasks.rows.draws import generator_for

LENGTHS = range(6, 25)
"""Words of a sentence (ours)."""
WINDOW = 3
"""Places that a word may move, plus one (ours; the noise of Lample et al. 2018, section 3.3)."""
DROPPED = 0.15
"""Share of the words that are missing (ours; 0.1 there)."""


def restore(texts: dict[str, list[Text]], wanted: dict[str, int]) -> SequenceData:
    """Return disturbed sentences, and the sentences.

    Args:
        texts: probe documents by split.
        wanted: most rows by split.
    """
    data, seen = SequenceData(), set[tuple[str, ...]]()
    changed = dropped = words = 0
    for split in reversed(SPLITS):  # a sentence of test is left out of train, not the other way round
        rows = []
        for sentence, text in shuffled([*_sentences(texts[split])], "restore", split):
            if sentence in seen:
                continue
            seen.add(sentence)
            noisy = disturbed(sentence, generator_for("restore", split, " ".join(sentence)))
            changed += noisy != sentence
            dropped += len(sentence) - len(noisy)
            words += len(sentence)
            rows.append(SequenceRow(" ".join(noisy), (" ".join(sentence),), origin=text.id))
            if len(rows) == wanted[split]:
                break
        data.splits[split] = rows
    data.splits = {split: data.splits[split] for split in SPLITS}
    count = sum(map(len, data.splits.values()))
    data.details = {"changed": round(changed / max(1, count), 4), "dropped": round(dropped / max(1, words), 4)}
    return data


def disturbed(sentence: Sequence[str], random: np.random.Generator) -> tuple[str, ...]:
    """Return the words of a sentence without some, and the others near their places; at least one is left."""
    kept = [word for word in sentence if random.random() >= DROPPED] or [sentence[0]]
    places = np.arange(len(kept)) + random.uniform(0, WINDOW, len(kept))
    return tuple(kept[index] for index in np.argsort(places, kind="stable"))


def _sentences(texts: Sequence[Text]) -> list[tuple[tuple[str, ...], Text]]:
    """Return sentences of a fitting length with a sign at their end, each with its document."""
    return [
        (sentence, text)
        for text in texts
        for sentence in text.sentences()
        if len(sentence) in LENGTHS and sentence[-1] in (".", "?", "!")
    ]
