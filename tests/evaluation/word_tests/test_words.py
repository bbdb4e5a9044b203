"""Similarity, analogies and neighbors on vectors that are made up, and against gensim on the real test sets."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pretrace.common.errors import PretraceError
from pretrace.evaluation.word_tests.analogies import analogies, count_right
from pretrace.evaluation.word_tests.neighbors import neighbors
from pretrace.evaluation.word_tests.similarity import similarity
from pretrace.training.word2vec.vectors import WordVectors, write_word2vec
from tests.helpers import REPOSITORY

WORDS = Path(os.environ.get("PRETRACE_DATA", REPOSITORY.parent / "shared" / "data")) / "words"
needs_words = pytest.mark.skipif(not WORDS.is_dir(), reason="the word tests of the shared data are not here")
SQUARE = WordVectors(
    ["king", "queen", "man", "woman", "it"],
    np.array([[1, 1, 0], [1, -1, 0], [0.2, 1, 1], [0.2, -1, 1], [0, 0, -1]], np.float32),
)


def lower(word: str) -> str:
    return word.lower()


def test_similarity_is_by_set_and_says_what_is_missing(tmp_path: Path) -> None:
    rows = [("a", "king", "queen", 1.0), ("a", "King", "man", 3.0), ("a", "man", "woman", 2.0), ("a", "man", "x", 9.0)]
    rows += [("b", "it", "man", 1.0), ("b", "x", "y", 1.0)]
    pd.DataFrame(rows, columns=["set", "word1", "word2", "score"]).to_csv(tmp_path / "pairs.csv", index=False)
    found = similarity(SQUARE, str(tmp_path / "pairs.csv"), lower)
    assert (found["a"].pairs, found["a"].missing) == (3, 1)
    assert found["a"].spearman == 1.0
    assert (found["b"].pairs, found["b"].missing, found["b"].spearman) == (1, 1, None)


def test_analogies_leave_their_own_words_out(tmp_path: Path) -> None:
    rows = [("family", "Man", "Woman", "King", "Queen"), ("family", "man", "woman", "king", "it")]
    rows += [("family", "man", "woman", "king", "x"), ("other", "x", "y", "z", "w")]
    pd.DataFrame(rows, columns=["category", "a", "b", "c", "d"]).to_parquet(tmp_path / "questions.parquet")
    found = analogies(SQUARE, str(tmp_path / "questions.parquet"), lower)
    assert [(one.questions, one.missing, one.right) for one in found.values()] == [(2, 1, 1), (0, 1, 0), (2, 2, 1)]
    assert [one.accuracy for one in found.values()] == [0.5, None, 0.5]
    assert list(found) == ["family", "other", "all"]


def test_neighbors_are_of_frequent_words_that_are_words() -> None:
    vectors = WordVectors(["it", "....", "king", "queen", "emperor"], np.eye(5, dtype=np.float32) + 0.1)
    found = neighbors(vectors, shown=2, near=3)
    assert list(found) == ["king", "queen"]
    assert len(found["king"]) == 3
    assert "king" not in [one.word for one in found["king"]]
    assert found["king"] == sorted(found["king"], key=lambda one: -one.cosine)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([("a", "king", "queen", "x")], r"row 1: column 'score': got 'x'; takes a number"),
        ([("a", "king", "queen", "inf")], r"row 1: column 'score'"),
        ([("a", "king", "", "1")], r"row 1: column 'word2': got ''; takes text"),
    ],
)
def test_bad_row_is_named(tmp_path: Path, rows: list[tuple[str, ...]], error: str) -> None:
    text = "\n".join(["set,word1,word2,score", *(",".join(row) for row in rows)])
    (tmp_path / "pairs.csv").write_text(text + "\n")
    with pytest.raises(PretraceError, match=error):
        similarity(SQUARE, str(tmp_path / "pairs.csv"), lower)


def test_missing_file_and_missing_column_are_said(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"none\.csv: no such file"):
        similarity(SQUARE, "none.csv", lower)
    (tmp_path / "pairs.csv").write_text("set,word1,score\na,b,1\n")
    with pytest.raises(PretraceError, match="no column 'word2'"):
        similarity(SQUARE, str(tmp_path / "pairs.csv"), lower)


@needs_words
def test_scores_on_the_real_sets_are_gensims(tmp_path: Path) -> None:
    """Random vectors of all words of the sets: the same correlations, and the same right answers."""
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    pairs, questions = (pd.read_parquet(WORDS / f"{name}.parquet") for name in ("similarity", "google_analogies"))
    pairs, questions = pairs[pairs["set"] == "MC-30"], questions[questions["category"] == "family"]
    words = sorted(
        {
            word.lower()
            for table in (pairs[["word1", "word2"]], questions[list("abcd")])
            for word in table.to_numpy().reshape(-1)
        }
    )
    vectors = WordVectors(words, np.random.default_rng(0).normal(size=(len(words), 8)).astype(np.float32))
    write_word2vec(tmp_path / "vectors.txt", vectors)
    theirs = keyed.load_word2vec_format(str(tmp_path / "vectors.txt"))
    pairs.to_parquet(tmp_path / "pairs.parquet")
    pairs[["word1", "word2", "score"]].to_csv(tmp_path / "pairs.tsv", sep="\t", index=False, header=False)
    _, spearman, _ = theirs.evaluate_word_pairs(str(tmp_path / "pairs.tsv"))
    found = similarity(vectors, str(tmp_path / "pairs.parquet"), lower)["MC-30"]
    assert found.spearman == pytest.approx(spearman.statistic, abs=1e-5)
    assert found.missing == 0
    lines = [": family", *(" ".join(row) for row in questions[list("abcd")].to_numpy())]
    (tmp_path / "questions.txt").write_text("\n".join(lines) + "\n")
    _, sections = theirs.evaluate_word_analogies(str(tmp_path / "questions.txt"))
    numbers = [[vectors.numbers[word.lower()] for word in row] for row in questions[list("abcd")].to_numpy()]
    assert count_right(vectors, numbers) == len(sections[0]["correct"])
