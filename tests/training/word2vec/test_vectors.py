"""word2vec's text format: gensim reads what we write, we read what it writes; damaged files are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pretrace.common.errors import PretraceError
from pretrace.training.word2vec.vectors import WordVectors, read_word2vec, write_word2vec

WORDS = ["the", "of", "é", "</s>"]


def some() -> WordVectors:
    return WordVectors(WORDS, np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32))


def test_gensim_opens_what_we_write_and_we_what_it_writes(tmp_path: Path) -> None:
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    vectors = some()
    write_word2vec(tmp_path / "ours.txt", vectors)
    opened = keyed.load_word2vec_format(str(tmp_path / "ours.txt"))
    assert opened.index_to_key == WORDS
    np.testing.assert_array_equal(opened.vectors, vectors.vectors_VC)
    opened.save_word2vec_format(str(tmp_path / "theirs.txt"))
    assert_same(read_word2vec(tmp_path / "theirs.txt"), vectors)
    wanted = [word for word, _ in opened.similar_by_word("the", topn=2)]
    found = vectors.nearest(vectors.directions[:1], [[0]], 2)[0]
    assert [WORDS[number] for number in found] == wanted


def assert_same(found: WordVectors, wanted: WordVectors) -> None:
    assert list(found.words) == list(wanted.words)
    np.testing.assert_array_equal(found.vectors_VC, wanted.vectors_VC)


@given(arrays(np.float32, (3, 2), elements=st.floats(allow_nan=False, allow_infinity=False, width=32)))
def test_every_number_comes_back(tmp_path_factory: pytest.TempPathFactory, numbers: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("vectors") / "vectors.txt"
    write_word2vec(path, WordVectors(WORDS[:3], numbers))
    assert_same(read_word2vec(path), WordVectors(WORDS[:3], numbers))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "line 1: got ''; takes two numbers"),
        ("the 1 2\n", "line 1: got 'the 1 2'; takes two numbers"),
        ("1 0\nthe\n", "no file has so many numbers, or a vector has none"),
        ("99999999999999 9\n", "no file has so many numbers"),
        ("2 2\nthe 1 2\n", "says 2 words, and 1 lines follow"),
        ("1 2\nthe 1\n", "line 2: takes a word and 2 numbers"),
        ("1 2\n 1 2\n", "line 2: takes a word and 2 numbers"),
        ("1 2\nthe 1 x\n", "line 2: could not convert string to float: 'x'; takes 2 numbers"),
        ("1 2\nthe 1 nan\n", "line 2: a number that is not finite"),
        ("2 1\nthe 1\nthe 2\n", "line 3: the word 'the' is also in line 2"),
    ],
)
def test_damaged_file_is_refused_in_a_line(tmp_path: Path, text: str, error: str) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text(text)
    with pytest.raises(PretraceError) as raised:
        read_word2vec(path)
    assert error in str(raised.value)
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("word", ["", "two words", "a\n", "\N{NO-BREAK SPACE}x"])
def test_word_with_white_space_is_not_written(tmp_path: Path, word: str) -> None:
    with pytest.raises(PretraceError, match="it has white space"):
        write_word2vec(tmp_path / "vectors.txt", WordVectors(["the", word], np.zeros((2, 1), np.float32)))
    assert not list(tmp_path.iterdir())
