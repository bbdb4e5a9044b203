"""Sentences that are disturbed, and the sentences."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pretrace.corpus import Document
from pretrace.sequences.probes.restore import DROPPED, WINDOW, disturbed, restore
from pretrace.tasks.probes.texts import Text, read_text


def texts_of(sentences: int, first: int = 0) -> list[Text]:
    lines = [f"the dog number w{first + n} saw a very small cat behind its house ." for n in range(sentences)]
    return [read_text(Document(id=f"d{first}", source="s", text="\n".join(lines)), "\n".join(lines))]


@given(st.lists(st.integers(0, 9).map(str), min_size=1, max_size=30), st.integers(0, 99))
def test_words_are_those_of_the_sentence_near_their_places(words: list[str], seed: int) -> None:
    numbered = [f"{word}_{place}" for place, word in enumerate(words)]
    found = disturbed(numbered, np.random.default_rng(seed))
    assert found
    assert not Counter(found) - Counter(numbered)
    kept = sorted(int(word.partition("_")[2]) for word in found)
    for place, word in enumerate(found):
        assert abs(kept.index(int(word.partition("_")[2])) - place) < WINDOW


def test_share_of_missing_words() -> None:
    random = np.random.default_rng(0)
    left = sum(len(disturbed(["w"] * 20, random)) for _ in range(500))
    assert abs(1 - left / 10_000 - DROPPED) < 0.02


def test_sentence_stands_in_one_row() -> None:
    texts = {"train": [*texts_of(30), *texts_of(4, 100)], "dev": texts_of(6, 100), "test": texts_of(10, 200)}
    wanted = {"train": 20, "dev": 10, "test": 8}
    data = restore(texts, wanted)
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 20, "dev": 6, "test": 8}
    targets = [row.targets[0] for rows in data.splits.values() for row in rows]
    assert len(set(targets)) == len(targets)
    assert data.details["changed"] > 0.9
    assert restore(texts, wanted) == data
