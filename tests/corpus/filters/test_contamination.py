"""N-grams that a document shares with evaluation text: found where they are, and nowhere else."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.corpus.filters.contamination import (
    EvaluationNgrams,
    EvaluationText,
    evaluation_ngrams,
    ngram_lengths,
    rows_without_junk,
    touched_lines,
)
from pretrace.settings import ContaminationRules
from tests.helpers.planted_text import text, words

FEW = st.lists(st.sampled_from("abc"), max_size=30)


def of(row: list[str], n: int) -> set[tuple[str, ...]]:
    """The n-grams of a row."""
    return {tuple(row[start : start + n]) for start in range(len(row) - n + 1)}


@pytest.mark.slow
@given(st.lists(FEW, max_size=4), FEW, st.integers(2, 5))
@settings(max_examples=300)
def test_shared_ngrams_are_all_found_and_no_other(rows: list[list[str]], document: list[str], n: int) -> None:
    texts = [EvaluationText("task", f"file:{place}", " ".join(row)) for place, row in enumerate(rows)]
    ngrams = EvaluationNgrams(texts, n)
    of_rows = {tuple(row[start : start + n]) for row in rows for start in range(len(row) - n + 1)}
    expected = [s for s in range(len(document) - n + 1) if tuple(document[s : s + n]) in of_rows]
    shared = ngrams.find(document)
    assert (shared.starts if shared else []) == expected
    found = {f"file:{place}" for place, row in enumerate(rows) if of(row, n) & of(document, n)}
    assert {name for _, name in shared.all_rows} == found if shared else not found
    for start, (_, name) in zip(expected, shared.rows if shared else [], strict=True):
        row = " ".join(rows[int(name.removeprefix("file:"))])
        assert " ".join(document[start : start + n]) in row
    assert ngrams.too_short == sum(len(row) < n for row in rows)


@given(FEW, st.lists(st.integers(0, 20), min_size=1, max_size=3), st.integers(2, 5), st.integers(1, 6))
def test_lines_of_the_ngram_are_cut_and_no_others(document: list[str], starts: list[int], n: int, width: int) -> None:
    document = [f"{word}{place}" for place, word in enumerate(document)]
    starts = sorted({start for start in starts if start + n <= len(document)})
    lines = [" ".join(document[start : start + width]) for start in range(0, len(document), width)]
    touched = {document[place] for start in starts for place in range(start, start + n)}
    found = touched_lines("\n".join(lines), starts, n)
    assert found == ([bool(touched & set(line.split())) for line in lines] or [False])


def test_shared_row_is_named_with_its_task() -> None:
    row = " ".join(words("row", 20))
    ngrams = EvaluationNgrams([EvaluationText("mrpc", "test.parquet:7", row), EvaluationText("cola", "x:1", "a b")], 13)
    shared = ngrams.find(f"{text('before')} {row} {text('after')}".split())
    assert shared is not None
    assert shared.starts == list(range(120, 128))
    assert set(shared.rows) == {("mrpc", "test.parquet:7")}
    assert ngrams.find(text("other").split()) is None
    assert ngrams.too_short == 1


def test_lengths_are_the_fifth_percentile_of_rows_from_8_to_13() -> None:
    def texts(task: str, lengths: list[int]) -> list[EvaluationText]:
        return [EvaluationText(task, f"f:{n}", " ".join(["w"] * length)) for n, length in enumerate(lengths)]

    short, middle, long = [3] * 2 + [9] * 8, [10, *range(20, 60)], [30, *range(20, 60)]
    several = [EvaluationText("pairs", "f:1", "w " * 4), EvaluationText("pairs", "f:1", "w " * 11)]
    found = [*texts("short", short), *texts("middle", [11, 11, 11, *middle]), *texts("long", long), *several]
    assert ngram_lengths(found) == {"short": 8, "middle": 11, "long": 13, "pairs": 11}
    by_task = evaluation_ngrams(iter(found), ContaminationRules(action="report"))
    assert [(one.n, {text.task for text in one.texts}) for one in by_task] == [
        (8, {"short"}),
        (11, {"middle", "pairs"}),
        (13, {"long"}),
    ]
    assert [one.n for one in evaluation_ngrams(iter(found), ContaminationRules(action="report", words=9))] == [9]
    assert [one.n for one in evaluation_ngrams(iter(found), ContaminationRules())] == [13]


def test_find_without_evaluation_text() -> None:
    assert EvaluationNgrams([], 13).find(words("any", 50)) is None


@given(st.lists(FEW, max_size=3), st.lists(FEW, max_size=5), st.integers(1, 4))
def test_rows_are_found_by_ngrams_that_few_documents_have(
    rows: list[list[str]], documents: list[list[str]], most: int
) -> None:
    """Against counting by hand, over two lengths of n-grams."""
    texts = [EvaluationText("task", f"file:{place}", " ".join(row)) for place, row in enumerate(rows)]
    lengths = (2, 3)
    evaluation = [EvaluationNgrams(texts, n) for n in lengths]
    shared = [
        [(place, number) for place, one in enumerate(evaluation) if (s := one.find(words)) for number in s.numbers]
        for words in documents
    ]
    counts = Counter(ngram for words in documents for n in lengths for ngram in of(words, n))
    found, junk = rows_without_junk(evaluation, shared, most)
    of_rows = [set().union(*(of(row, n) for n in lengths)) for row in rows]
    assert {row for _, row in found} == {
        f"file:{place}" for place, ngrams in enumerate(of_rows) if any(0 < counts[one] <= most for one in ngrams)
    }
    assert junk["task"] == sum(counts[one] > most for one in set().union(*of_rows))
