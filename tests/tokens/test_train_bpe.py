"""A trained vocabulary: the same bytes for the same counts, and every fault is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.tokens import load_vocabulary, train_vocabulary
from tests.helpers.word_counts import TEXT, write_counts


def test_training_gives_the_same_bytes_for_the_same_counts(tmp_path: Path) -> None:
    counts = write_counts(tmp_path / "counts.tsv")
    reports = [train_vocabulary(counts, tmp_path / name, 150) for name in ("one", "another_name")]
    assert reports[0] == reports[1]
    for file in ("vocabulary.model", "vocabulary.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "another_name" / file).read_bytes()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["vocabulary.json", "vocabulary.model"]


def test_training_refuses_too_many_tokens_and_names_the_most(tmp_path: Path) -> None:
    counts = write_counts(tmp_path / "counts.tsv")
    with pytest.raises(PretraceError, match=r"vocabulary.size: 5000 tokens .* the most is (\d+)") as caught:
        train_vocabulary(counts, tmp_path / "out", 5000)
    most = int(str(caught.value).rsplit(" ", 1)[1])
    assert not (tmp_path / "out").exists()
    train_vocabulary(counts, tmp_path / "out", most)
    with pytest.raises(PretraceError, match=f"the most is {most}"):
        train_vocabulary(counts, tmp_path / "out", most + 1)


def test_rare_characters_become_unknown_tokens(tmp_path: Path) -> None:
    many = "".join(f" {chr(0x4E00 + number)}" for number in range(500))
    train_vocabulary(write_counts(tmp_path / "counts.tsv", TEXT * 500 + many), tmp_path / "out", 200)
    vocabulary = load_vocabulary(tmp_path / "out")
    assert vocabulary.encode_words("the \u4e00").count(vocabulary.unknown_id) == 1
    assert vocabulary.unknown_id not in vocabulary.encode_words(TEXT)


def test_training_refuses_too_few_tokens_for_the_characters(tmp_path: Path) -> None:
    counts = write_counts(tmp_path / "counts.tsv", " ".join(chr(0x4E00 + number) for number in range(500)))
    with pytest.raises(PretraceError, match=r"vocabulary.size: 64 tokens do not cover .* the least is (\d+)"):
        train_vocabulary(counts, tmp_path / "out", 64)


def test_training_refuses_missing_counts(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"counts.tsv: no such file"):
        train_vocabulary(tmp_path / "counts.tsv", tmp_path / "out", 100)
    (tmp_path / "counts.tsv").write_text("")
    with pytest.raises(PretraceError, match=r"counts.tsv: no words"):
        train_vocabulary(tmp_path / "counts.tsv", tmp_path / "out", 100)


def test_language_is_named_where_it_is_not_english(tmp_path: Path) -> None:
    counts = write_counts(tmp_path / "counts.tsv")
    for language in ("en", "fr"):
        train_vocabulary(counts, tmp_path / language, 150, language)
    written = {path.parent.name: json.loads(path.read_text()) for path in tmp_path.glob("*/vocabulary.json")}
    assert set(written["en"]) == {"kind", "size", "fingerprint"}
    assert written["fr"] == {**written["en"], "language": "fr"}
