"""A vocabulary of whole words: the most frequent ones, in their order; all others are unknown."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, clean_text, write_documents
from pretrace.settings import VocabularySettings
from pretrace.tokens import load_vocabulary, train_on_documents
from pretrace.tokens.shards import open_shards, write_shards
from tests.helpers.small_vocabulary import TEXT

TEXTS = [f"{TEXT}\nIt was the end.", "The King was there."]


def trained(folder: Path, size: int = 1000, min_count: int | None = 2) -> Path:
    for split in ("train", "validation"):
        write_documents(folder / "clean" / split, (Document(str(n), "test", text) for n, text in enumerate(TEXTS)))
    chosen = VocabularySettings(size=size, kind="words", min_count=min_count)
    scratch, prepared = folder / "scratch", folder / "prepared"
    train_on_documents(chosen, folder / "clean" / "train", folder / "out", scratch, prepared, None)
    return folder / "out"


def counts() -> Counter[str]:
    return Counter(" ".join(map(clean_text, TEXTS)).split())


def test_words_are_those_that_are_frequent_enough_in_their_order(tmp_path: Path) -> None:
    lines = (trained(tmp_path) / "words.txt").read_text().splitlines()
    wanted = sorted(((-n, word) for word, n in counts().items() if n >= 2))
    assert lines == [f"{word} {-n}" for n, word in wanted]
    vocabulary = load_vocabulary(tmp_path / "out")
    assert vocabulary.size == len(lines) + 2
    assert vocabulary.encode("the") == [2 + lines.index(f"the {counts()['the']}")]


def test_size_is_the_most_and_five_the_default_of_occurrences(tmp_path: Path) -> None:
    assert len((trained(tmp_path, 64, 1) / "words.txt").read_text().splitlines()) == 62
    lines = (trained(tmp_path, 64, None) / "words.txt").read_text().splitlines()
    assert len(lines) == sum(n >= 5 for n in counts().values())


def test_other_words_are_unknown_and_lines_end(tmp_path: Path) -> None:
    vocabulary = load_vocabulary(trained(tmp_path))
    ids = vocabulary.encode("It was the zebra.\nThe end.")
    assert ids.count(vocabulary.unknown_id) == 2  # "zebra", "end"
    assert ids.count(vocabulary.document_end_id) == 1
    assert vocabulary.decode(ids) == "it was the <unk> .\nthe <unk> ."
    write_shards(tmp_path / "clean", vocabulary, tmp_path / "shards")
    shards = open_shards(tmp_path / "shards", "train", vocabulary.fingerprint)
    found = np.bincount(shards.read(0, shards.tokens), minlength=vocabulary.size)
    lines = [line.split() for line in (tmp_path / "out" / "words.txt").read_text().splitlines()]
    assert found[2:].tolist() == [int(n) for _, n in lines]


@pytest.mark.parametrize(
    ("text", "error"),
    [("the\n", "line 1: takes a word and a number"), ("the 5\nof x\n", "line 2"), ("the 5\nthe 4\n", "twice")],
)
def test_damaged_file_is_refused(tmp_path: Path, text: str, error: str) -> None:
    (trained(tmp_path) / "words.txt").write_text(text)
    with pytest.raises(PretraceError, match=error):
        load_vocabulary(tmp_path / "out")


def test_text_without_frequent_words_is_said(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"vocabulary.min_count: no word occurs 99 times"):
        trained(tmp_path, min_count=99)


def test_other_kinds_take_no_least_number() -> None:
    with pytest.raises(ValueError, match="min_count: is for `words`"):
        VocabularySettings(size=100, min_count=2)
