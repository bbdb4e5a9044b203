"""The table of word counts."""

from __future__ import annotations

from collections import Counter

import pytest

from pretrace.corpus.text.word_counts import WordCounts, by_frequency, count_words_of


@pytest.mark.parametrize("together", [1, 16])
def test_word_counts_do_not_depend_on_batches(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.corpus.text.word_counts.COUNTED_BYTES", 30)
    monkeypatch.setattr("pretrace.corpus.text.word_counts.TABLES_TOGETHER", together)
    texts = [f"w{number % 7} the\nw{number % 3} é" for number in range(200)]
    counts = WordCounts()
    for start in range(0, 200, 60):
        counts.add(count_words_of([text.encode() for text in texts[start : start + 60]]))
    assert counts.total() == Counter(word for text in texts for word in text.split())
    rows = by_frequency(counts.total())
    assert rows == sorted(rows, key=lambda row: (-row[1], row[0]))


def test_word_counts_of_no_text() -> None:
    counts = WordCounts()
    counts.add(count_words_of([]))
    assert counts.total() == {}
