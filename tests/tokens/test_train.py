"""The kind of vocabulary that the settings name, trained on raw documents, and the ids in its shards."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from pretrace.corpus import Document, write_documents
from pretrace.settings import VocabularySettings
from pretrace.tokens import load_vocabulary, measure_vocabulary, train_on_documents
from pretrace.tokens.shards import open_shards, write_shards
from tests.helpers.small_vocabulary import TEXT

TEXTS = [line.title() + "\n\n  The End." for line in TEXT.split("\n")]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    for split in ("train", "validation"):
        write_documents(folder / split, (Document(str(n), "test", text) for n, text in enumerate(TEXTS)))
    return folder


@pytest.mark.parametrize(
    ("kind", "lower_case", "name"),
    [
        ("words_bpe", True, "sentencepiece-bpe"),
        ("byte_bpe", True, "byte-bpe"),
        ("wordpiece", True, "wordpiece"),
        ("wordpiece", False, "wordpiece"),
    ],
)
def test_vocabulary_of_each_kind_is_trained_and_makes_shards(
    clean: Path, tmp_path: Path, kind: str, lower_case: bool, name: str
) -> None:
    size = 300 if kind == "byte_bpe" else 140
    chosen = VocabularySettings.model_validate({"size": size, "kind": kind, "lower_case": lower_case})
    out, scratch, prepared = tmp_path / "out", tmp_path / "scratch", tmp_path / "prepared"
    report = train_on_documents(chosen, clean / "train", out, scratch, prepared, None)
    assert report["size"] == size
    assert "distinct_words" in report or kind != "words_bpe"
    vocabulary = load_vocabulary(out)
    assert (vocabulary.description.kind, vocabulary.size) == (name, size)
    assert vocabulary.description.lower_case is (lower_case if kind == "wordpiece" else None)
    read = "The End." if kind == "byte_bpe" else "the end ." if lower_case else "The End ."
    assert vocabulary.decode(vocabulary.encode("The End.")) == read

    write_shards(clean, vocabulary, tmp_path / "shards")
    shards = open_shards(tmp_path / "shards", "train", vocabulary.fingerprint)
    starts = shards.document_starts()
    documents = [shards.read(start, end - start).tolist() for start, end in pairwise(starts)]
    expected = [[*vocabulary.encode(text), vocabulary.document_end_id] for text in TEXTS]
    assert sorted(documents) == sorted(expected)
    assert shards.words == sum(len(vocabulary.prepare(text).split()) for text in TEXTS)
    assert shards.bytes == sum(len(text.encode()) + 1 for text in TEXTS)


def test_measures_count_words_between_white_space(clean: Path, tmp_path: Path) -> None:
    chosen = VocabularySettings(size=300, kind="byte_bpe")
    train_on_documents(chosen, clean / "train", tmp_path / "out", tmp_path, tmp_path / "prepared", None)
    vocabulary = load_vocabulary(tmp_path / "out")
    tokens = len(vocabulary.encode("the  end\n\nof it"))
    measured = measure_vocabulary(vocabulary, ["the  end\n\nof it"])
    assert measured["tokens_per_word"] == round(tokens / 4, 6)
    assert measured["bytes_per_token"] == round(15 / tokens, 6)
    assert measured["unknown_share"] == 0
