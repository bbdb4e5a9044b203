"""The vocabulary: same bytes for the same counts, text goes in and comes back, and every fault is named."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.corpus import clean_text
from pretrace.tokens import Vocabulary, load_vocabulary, measure_vocabulary, train_vocabulary
from tests.helpers.odd_files import ODD_FILES
from tests.helpers.word_counts import TEXT, write_counts

LETTERS = "".join(sorted(set(TEXT) - {"\n", " "}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("vocabulary")
    train_vocabulary(write_counts(base / "counts.tsv"), base / "out", 150)
    return base / "out"


@pytest.fixture(scope="module")
def vocabulary(folder: Path) -> Vocabulary:
    return load_vocabulary(folder)


def test_vocabulary_describes_itself(vocabulary: Vocabulary, folder: Path) -> None:
    description = json.loads((folder / "vocabulary.json").read_text())
    assert description["size"] == vocabulary.size == 150
    assert description["fingerprint"] == vocabulary.fingerprint
    assert (vocabulary.unknown_id, vocabulary.document_end_id) == (0, 1)


@pytest.mark.slow
@given(st.lists(st.text(LETTERS, max_size=8), max_size=20), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_decode_inverts_encode(vocabulary: Vocabulary, words: list[str], random: object) -> None:
    text = "".join(word + random.choice([" ", "\n", "", "  "]) for word in words)  # type: ignore[attr-defined]
    ids = vocabulary.encode(text)
    assert vocabulary.unknown_id not in ids
    assert all(0 <= index < vocabulary.size for index in ids)
    assert vocabulary.decode(ids) == clean_text(text)
    assert vocabulary.prepare(text) == clean_text(text)
    assert vocabulary.encode_words(vocabulary.prepare(text)) == ids


def test_encode_cleans_raw_text_first(vocabulary: Vocabulary) -> None:
    assert (
        vocabulary.decode(vocabulary.encode("It WAS\r\n\r\nthe best, of times.")[:-2]) == "it was\nthe best , of times"
    )


@pytest.mark.slow
@given(st.lists(st.text(f"{LETTERS} \n\u4e2d", max_size=8), max_size=20).map("".join))
@settings(max_examples=200)
def test_long_text_has_the_ids_of_its_parts(folder: Path, text: str) -> None:
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


def test_word_ids_do_not_depend_on_their_position(vocabulary: Vocabulary) -> None:
    alone = vocabulary.encode_words("foolishness")
    assert vocabulary.encode_words("foolishness foolishness\nfoolishness") == [*alone, *alone, 1, *alone]


def test_frequent_words_are_one_token(vocabulary: Vocabulary) -> None:
    assert len(vocabulary.encode_words("the")) == 1
    assert len(vocabulary.encode_words("it was the")) == 3


@pytest.mark.parametrize("text", ["the \u4e2d dog", "the\u4e2d dog", "\u2581", "a\u2581b the"])
def test_unknown_characters_decode_as_unk(vocabulary: Vocabulary, text: str) -> None:
    ids = vocabulary.encode_words(text)
    assert ids.count(vocabulary.unknown_id) == 1
    decoded = vocabulary.decode(ids)
    assert decoded == text.replace("\u4e2d", "<unk>").replace("\u2581", "<unk>")


def test_word_cache_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.tokens.word_cache.CACHED_WORDS", 5)
    small, large = load_vocabulary(folder), load_vocabulary(folder)
    for text in (TEXT, "the dog", "the fox\nthe dog", TEXT):
        assert small.encode_words(text) == large.encode_words(text)
    assert len(small._words) < len(set(TEXT.split())) + 10  # type: ignore[attr-defined]


def test_measures_of_a_vocabulary(vocabulary: Vocabulary) -> None:
    ids = vocabulary.encode_words(TEXT)
    measured = measure_vocabulary(vocabulary, [TEXT])
    assert measured["tokens_per_word"] == round(len(ids) / len(TEXT.split()), 6)
    assert measured["bytes_per_token"] == round(len(TEXT.encode()) / len(ids), 6)
    assert measured["unknown_share"] == 0


def described(folder: Path, model: bytes, size: int) -> Path:
    """A folder with a model and its description."""
    folder.mkdir()
    (folder / "vocabulary.model").write_bytes(model)
    about = {"kind": "sentencepiece-bpe", "size": size, "fingerprint": hashlib.sha256(model).hexdigest()}
    (folder / "vocabulary.json").write_text(json.dumps(about))
    return folder


def trained(**options: Any) -> bytes:
    """A model of the text's words with other options than ours."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([TEXT]),
        model_writer=model,
        vocab_size=60,
        hard_vocab_limit=False,
        minloglevel=2,
        **options,
    )
    return model.getvalue()


OTHERS = {
    "unigram": (lambda: trained(), "a sentencepiece model of kind unigram; takes bpe"),
    "word": (lambda: trained(model_type="word"), "a sentencepiece model of kind word; takes bpe"),
    "char": (lambda: trained(model_type="char"), "a sentencepiece model of kind char; takes bpe"),
    "no ends of words": (lambda: trained(model_type="bpe"), "its tokens do not say where a word ends"),
    "no line end": (
        lambda: trained(model_type="bpe", treat_whitespace_as_suffix=True),
        "has no token for the line end",
    ),
    "nothing": (lambda: b"", "not a whole sentencepiece model"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_model_that_was_trained_otherwise_is_refused(tmp_path: Path, name: str) -> None:
    model, said = OTHERS[name]
    with pytest.raises(PretraceError, match=rf"vocabulary\.model: {said}"):
        load_vocabulary(described(tmp_path / "out", model(), 60))


def test_token_that_is_no_text_is_named(folder: Path, tmp_path: Path) -> None:
    model, token = (folder / "vocabulary.model").read_bytes(), load_vocabulary(folder).tokens[7].encode()
    assert model.count(bytes([10, len(token)]) + token) == 1
    spoiled = model.replace(bytes([10, len(token)]) + token, bytes([10, len(token)]) + b"\xff" * len(token))
    with pytest.raises(PretraceError, match=r"vocabulary\.model: token 7 is not UTF-8"):
        load_vocabulary(described(tmp_path / "out", spoiled, 150))


def test_size_that_the_model_has_not_is_refused(folder: Path, tmp_path: Path) -> None:
    model = (folder / "vocabulary.model").read_bytes()
    with pytest.raises(PretraceError, match=r"has 150 tokens, and vocabulary\.json says 149"):
        load_vocabulary(described(tmp_path / "out", model, 149))


@pytest.mark.parametrize("name", ["vocabulary.json", "vocabulary.model"])
@pytest.mark.parametrize("kind", ODD_FILES)
def test_vocabulary_that_is_no_file_is_refused_at_once(folder: Path, tmp_path: Path, name: str, kind: str) -> None:
    copy = described(tmp_path / "out", (folder / "vocabulary.model").read_bytes(), 150)
    (copy / name).unlink()
    ODD_FILES[kind].make(copy / name)
    with pytest.raises(PretraceError, match=rf"{name}: {ODD_FILES[kind].said or 'more than'}"):
        load_vocabulary(copy)
