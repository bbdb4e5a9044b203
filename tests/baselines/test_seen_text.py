"""Test rows that are in the pre-training text."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from pretrace.baselines import seen_text
from pretrace.baselines.seen_text import read_seen_ngrams, seen_rows, write_seen_ngrams
from pretrace.common.errors import PretraceError
from pretrace.corpus.documents import Document, read_documents, write_documents
from pretrace.schemas.baselines import SeenRows

WORDS = [f"w{number}" for number in range(300)]


def text(seed: int, words: int) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    (tmp_path / "train").mkdir()
    write_documents(tmp_path / "train", [Document(str(n), "s", text(n, 200)) for n in range(20)])
    return tmp_path / "train"


def seen(folder: Path, documents: Path) -> np.ndarray:
    write_seen_ngrams(folder, read_documents(documents))
    return read_seen_ngrams(folder)


def test_count_is_that_of_plain_sets_of_words(tmp_path: Path, documents: Path) -> None:
    """Rows that begin with more or fewer words of a training document; the oracle compares tuples of words."""
    rows, expected = [], 0
    known = {tuple(t.split()[i : i + 8]) for t in (text(n, 200) for n in range(20)) for i in range(193)}
    for number in range(60):
        words = text(number % 20, 200).split()[: number % 31] + text(1000 + number, 12).split()
        rows.append((" ".join(words),))
        own = [tuple(words[i : i + 8]) for i in range(len(words) - 7)]
        expected += int(np.mean([gram in known for gram in own]) >= 0.5)
    found = seen_rows(rows, seen(tmp_path, documents))
    assert found == SeenRows(rows=expected, of=60, too_short=0)
    assert 10 < expected < 50


def test_parts_count_together_and_short_ones_cannot_be_found(tmp_path: Path, documents: Path) -> None:
    ngrams = seen(tmp_path, documents)
    copied, new = text(3, 20), text(99, 20)
    rows = [(copied, new), (copied, f"{new} more words"), ("of seven words", "is this")]
    assert seen_rows(rows, ngrams) == SeenRows(rows=1, of=2, too_short=1)


def test_empty_text_and_limit(tmp_path: Path, documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen_rows([(text(0, 20),)], np.zeros(0, np.uint32)) == SeenRows(rows=0, of=1, too_short=0)
    monkeypatch.setattr(seen_text, "MOST_WORDS", 400)
    assert write_seen_ngrams(tmp_path, read_documents(documents)) == 400  # two documents of 200


def test_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "seen_ngrams.uint32").write_bytes(b"cut off")
    with pytest.raises(PretraceError, match=r"seen_ngrams\.uint32: not readable .*; run `dvc repro -f text_models`"):
        read_seen_ngrams(tmp_path)
