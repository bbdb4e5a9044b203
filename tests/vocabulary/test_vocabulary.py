"""The vocabulary: same bytes for the same counts, text goes in and comes back, and every fault is named."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.corpus import clean_text
from pretrace.tokens import Vocabulary, load_vocabulary, measure_vocabulary, train_vocabulary

TEXT = """it was the best of times , it was the worst of times , it was the age of wisdom ,
it was the age of foolishness
it was the 21st epoch of belief - it was the epoch of incredulity , caf\u00e9 na\u00efve
the quick brown fox jumps over the lazy dog , and the five boxing wizards jump quickly ; do n't they ?"""
LETTERS = "".join(sorted(set(TEXT) - {"\n", " "}))


def write_counts(path: Path, text: str = TEXT) -> Path:
    rows = sorted(Counter(text.split()).items(), key=lambda row: (-row[1], row[0]))
    path.write_text("".join(f"{word}\t{count}\n" for word, count in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("vocabulary")
    train_vocabulary(write_counts(base / "counts.tsv"), base / "out", 150)
    return base / "out"


@pytest.fixture(scope="module")
def vocabulary(folder: Path) -> Vocabulary:
    return load_vocabulary(folder)


def test_the_same_counts_give_the_same_bytes(tmp_path: Path) -> None:
    counts = write_counts(tmp_path / "counts.tsv")
    reports = [train_vocabulary(counts, tmp_path / name, 150) for name in ("one", "another_name")]
    assert reports[0] == reports[1]
    for file in ("vocabulary.model", "vocabulary.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "another_name" / file).read_bytes()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["vocabulary.json", "vocabulary.model"]


def test_what_it_says_of_itself(vocabulary: Vocabulary, folder: Path) -> None:
    description = json.loads((folder / "vocabulary.json").read_text())
    assert description["size"] == vocabulary.size == 150
    assert description["fingerprint"] == vocabulary.fingerprint
    assert (vocabulary.unknown_id, vocabulary.newline_id) == (0, 1)


@given(st.lists(st.text(LETTERS, max_size=8), max_size=20), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_round_trip(vocabulary: Vocabulary, words: list[str], random: object) -> None:
    text = "".join(word + random.choice([" ", "\n", "", "  "]) for word in words)  # type: ignore[attr-defined]
    ids = vocabulary.encode(text)
    assert vocabulary.unknown_id not in ids
    assert all(0 <= index < vocabulary.size for index in ids)
    assert vocabulary.decode(ids) == clean_text(text)
    assert vocabulary.encode_words(clean_text(text)) == ids


def test_raw_text_is_cleaned_first(vocabulary: Vocabulary) -> None:
    assert (
        vocabulary.decode(vocabulary.encode("It WAS\r\n\r\nthe best, of times.")[:-2]) == "it was\nthe best , of times"
    )


@given(st.lists(st.text(f"{LETTERS} \n\u4e2d", max_size=8), max_size=20).map("".join))
@settings(max_examples=200)
def test_a_long_text_has_the_ids_of_a_short_one(folder: Path, text: str) -> None:
    short, long = load_vocabulary(folder), load_vocabulary(folder)
    with pytest.MonkeyPatch.context() as patch:
        expected = short.encode_array(text)
        patch.setattr("pretrace.tokens.word_cache.SHORT_CHARACTERS", -1)
        patch.setattr("pretrace.tokens.word_cache.BLOCK_CHARACTERS", 10)
        found = long.encode_array(text)
        patch.setattr("pretrace.tokens.word_cache.BLOCK_CHARACTERS", 10_000)
        several = long.encode_arrays([text, "", *text.split("\n")])
    assert found.tolist() == expected.tolist() and found.dtype == expected.dtype
    one_by_one = [short.encode_array(part).tolist() for part in (text, "", *text.split("\n"))]
    assert [ids.tolist() for ids in several] == one_by_one


def test_a_word_has_the_same_ids_wherever_it_stands(vocabulary: Vocabulary) -> None:
    alone = vocabulary.encode_words("foolishness")
    assert vocabulary.encode_words("foolishness foolishness\nfoolishness") == [*alone, *alone, 1, *alone]


def test_frequent_words_are_one_piece(vocabulary: Vocabulary) -> None:
    assert len(vocabulary.encode_words("the")) == 1
    assert len(vocabulary.encode_words("it was the")) == 3


@pytest.mark.parametrize("text", ["the \u4e2d dog", "the\u4e2d dog", "\u2581", "a\u2581b the"])
def test_what_is_unknown(vocabulary: Vocabulary, text: str) -> None:
    ids = vocabulary.encode_words(text)
    assert ids.count(vocabulary.unknown_id) == 1
    decoded = vocabulary.decode(ids)
    assert decoded == text.replace("\u4e2d", "<unk>").replace("\u2581", "<unk>")


def test_the_memory_of_words_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.tokens.word_cache.REMEMBERED_WORDS", 5)
    small, large = load_vocabulary(folder), load_vocabulary(folder)
    for text in (TEXT, "the dog", "the fox\nthe dog", TEXT):
        assert small.encode_words(text) == large.encode_words(text)
    assert len(small._words) < len(set(TEXT.split())) + 10  # type: ignore[attr-defined]


def test_measures(vocabulary: Vocabulary) -> None:
    ids = vocabulary.encode_words(TEXT)
    measured = measure_vocabulary(vocabulary, [TEXT])
    assert measured["tokens_per_word"] == round(len(ids) / len(TEXT.split()), 6)
    assert measured["bytes_per_token"] == round(len(TEXT.encode()) / len(ids), 6)
    assert measured["unknown_share"] == 0


def test_too_many_pieces_names_the_most(tmp_path: Path) -> None:
    counts = write_counts(tmp_path / "counts.tsv")
    with pytest.raises(PretraceError, match=r"vocabulary.size: 5000 pieces .* the most is (\d+)") as caught:
        train_vocabulary(counts, tmp_path / "out", 5000)
    most = int(str(caught.value).rsplit(" ", 1)[1])
    assert not (tmp_path / "out").exists()
    train_vocabulary(counts, tmp_path / "out", most)
    with pytest.raises(PretraceError, match=f"the most is {most}"):
        train_vocabulary(counts, tmp_path / "out", most + 1)


def test_rare_characters_give_way(tmp_path: Path) -> None:
    many = "".join(f" {chr(0x4E00 + number)}" for number in range(500))
    train_vocabulary(write_counts(tmp_path / "counts.tsv", TEXT * 500 + many), tmp_path / "out", 200)
    vocabulary = load_vocabulary(tmp_path / "out")
    assert vocabulary.encode_words("the \u4e00").count(vocabulary.unknown_id) == 1
    assert vocabulary.unknown_id not in vocabulary.encode_words(TEXT)


def test_too_few_pieces_for_the_characters(tmp_path: Path) -> None:
    counts = write_counts(tmp_path / "counts.tsv", " ".join(chr(0x4E00 + number) for number in range(500)))
    with pytest.raises(PretraceError, match=r"vocabulary.size: 64 pieces do not hold .* (\d+) are the least"):
        train_vocabulary(counts, tmp_path / "out", 64)


def test_no_counts(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"counts.tsv: no such file"):
        train_vocabulary(tmp_path / "counts.tsv", tmp_path / "out", 100)
    (tmp_path / "counts.tsv").write_text("")
    with pytest.raises(PretraceError, match=r"counts.tsv: no words"):
        train_vocabulary(tmp_path / "counts.tsv", tmp_path / "out", 100)


def test_folders_that_are_no_vocabulary(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(PretraceError, match=r"no vocabulary there; takes vocabulary.json, or encoder_bpe_40000.json"):
        load_vocabulary(tmp_path)
    (tmp_path / "vocabulary.json").write_text('{"kind": "other"}')
    with pytest.raises(PretraceError, match="kind: got 'other'"):
        load_vocabulary(tmp_path)
    (tmp_path / "vocabulary.json").write_bytes((folder / "vocabulary.json").read_bytes())
    with pytest.raises(PretraceError, match=r"vocabulary.model: no such file"):
        load_vocabulary(tmp_path)
    (tmp_path / "vocabulary.model").write_bytes((folder / "vocabulary.model").read_bytes() + b" ")
    with pytest.raises(PretraceError, match=r"vocabulary.model: does not match the fingerprint"):
        load_vocabulary(tmp_path)
