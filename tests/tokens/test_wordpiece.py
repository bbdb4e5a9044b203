"""BERT's vocabulary: the ids of transformers on every string, and named faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers.normalizers import BertNormalizer
from transformers import BertTokenizer, BertTokenizerFast

from pretrace.common.errors import PretraceError
from pretrace.tokens import Vocabulary, copy_vocabulary, load_vocabulary
from pretrace.tokens.bert_text import normalize
from pretrace.tokens.wordpiece import WordPieceVocabulary
from tests.helpers.hostile_strings import MORE_HOSTILE, hostile_text
from tests.helpers.megabytes import megabytes
from tests.helpers.small_byte_vocabulary import BERT_SPECIALS, PIECES, write_wordpiece

Ids = Callable[[str], list[int]]


def transformers_of(folder: Path, lower_case: bool = True) -> Ids:
    """transformers' fast tokenizer, which it uses unless told otherwise, told that text has no special tokens."""
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=lower_case, model_max_length=1 << 40)
    return lambda text: tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wordpiece(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def vocabulary(folder: Path) -> Vocabulary:
    return load_vocabulary(folder)


@pytest.fixture(scope="module")
def released(shared: Path) -> Path:
    return shared / "data" / "wordpiece_bert"


def test_ids_match_transformers_on_fixed_strings(vocabulary: Vocabulary, folder: Path) -> None:
    judge = transformers_of(folder)
    for text in MORE_HOSTILE:
        assert vocabulary.encode(text) == judge(text), ascii(text)[:200]


def test_cased_ids_match_transformers_on_fixed_strings(tmp_path: Path) -> None:
    folder = write_wordpiece(tmp_path, [*PIECES, "The", "Caf", "##\u00e9", "\u00c9"])
    vocabulary, judge = load_vocabulary(folder), transformers_of(folder, False)
    assert isinstance(vocabulary, WordPieceVocabulary) and not vocabulary.lower_case
    for text in [*MORE_HOSTILE, "The Caf\u00e9 \u00c9"]:
        assert vocabulary.encode(text) == judge(text), ascii(text)[:200]
    assert vocabulary.decode(vocabulary.encode("The Caf\u00e9")) == "The Caf\u00e9"


def test_released_ids_match_transformers_on_fixed_strings(released: Path) -> None:
    vocabulary, judge = load_vocabulary(released), transformers_of(released)
    assert (vocabulary.size, vocabulary.padding_id, vocabulary.unknown_id) == (30_522, 0, 100)
    assert (vocabulary.first_id, vocabulary.separator_id, vocabulary.mask_id) == (101, 102, 103)
    assert vocabulary.document_end_id == 102
    for text in MORE_HOSTILE:
        assert vocabulary.encode(text) == judge(text), ascii(text)[:200]


@pytest.mark.slow
def test_released_ids_match_transformers_on_drawn_strings(released: Path) -> None:
    vocabulary, judge = load_vocabulary(released), transformers_of(released)

    @given(hostile_text() | st.text())
    @settings(max_examples=300, database=None)
    def compare(text: str) -> None:
        assert vocabulary.encode(text) == judge(text)

    compare()


@pytest.mark.nightly
def test_released_ids_match_transformers_on_three_thousand_strings(released: Path) -> None:
    vocabulary, judge = load_vocabulary(released), transformers_of(released)
    count = 0

    @given(hostile_text() | st.text())
    @settings(max_examples=3000, database=None)
    def compare(text: str) -> None:
        nonlocal count
        count += 1
        assert vocabulary.encode(text) == judge(text)

    compare()
    assert count >= 3000


@pytest.mark.nightly
def test_released_ids_match_transformers_on_megabytes(released: Path, shared: Path) -> None:
    vocabulary, judge = load_vocabulary(released), transformers_of(released)
    for name, texts in megabytes(shared):
        for text in texts:
            assert vocabulary.encode(text) == judge(text), name


def test_released_ids_match_the_slow_tokenizer_on_plain_text(released: Path) -> None:
    """Google's code, as transformers has it: on other text its ids depend on the Unicode tables of Python."""
    vocabulary, judge = load_vocabulary(released), BertTokenizer(str(released / "vocab.txt"))
    for text in ["The caf\u00e9's owner, Mr. O'Neil, paid $5!", "a\tb\r\n \u00a0c", "\u4e2d\u6587 text", "x" * 101]:
        assert vocabulary.encode(text) == judge(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("lower_case", [True, False])
@given(text=hostile_text() | st.text())
@settings(max_examples=150)
def test_text_is_normalized_as_by_the_library(text: str, lower_case: bool) -> None:
    assert normalize(text, lower_case) == BertNormalizer(lowercase=lower_case).normalize_str(text)


@pytest.mark.nightly
@pytest.mark.parametrize("lower_case", [True, False])
def test_every_character_is_normalized_as_by_the_library(lower_case: bool) -> None:
    theirs = BertNormalizer(lowercase=lower_case)
    for number in [*range(0xD800), *range(0xE000, 0x110000)]:
        text = f"a{chr(number)}\u0301b {chr(number)}"
        assert normalize(text, lower_case) == theirs.normalize_str(text), hex(number)


def test_text_never_becomes_a_special_token(vocabulary: Vocabulary) -> None:
    for token in ("[PAD]", "[CLS]", "[SEP]", "[MASK]"):
        special = vocabulary.encode(f"a {token}b")
        assert not {0, 2, 3, 4} & set(special)
    assert vocabulary.encode("[MASK]") == [vocabulary.encode(part)[0] for part in ("[", "mask", "]")]


def test_many_texts_have_the_ids_of_each(vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = [vocabulary.prepare(text) for text in MORE_HOSTILE]
    expected = [vocabulary.encode_array(text).tolist() for text in prepared]
    monkeypatch.setattr("pretrace.tokens.word_cache.SHORT_CHARACTERS", 50)
    assert [ids.tolist() for ids in vocabulary.encode_arrays(prepared)] == expected
    assert [vocabulary.encode_array(text).tolist() for text in prepared] == expected


def test_decoded_words_and_signs_are_apart(vocabulary: Vocabulary) -> None:
    assert vocabulary.decode(vocabulary.encode("The dogs' cafe.\n\u4e2d zebra")) == "the dogs ' cafe . \u4e2d [UNK]"
    assert vocabulary.decode([2, 5, 3]) == "[CLS] the [SEP]"


def test_halves_of_surrogate_pairs_are_joined_or_dropped(vocabulary: Vocabulary) -> None:
    assert vocabulary.prepare("a\ud83d\ude00b\ud800c") == "a\U0001f600bc"


def test_copy_has_the_case_of_the_original(folder: Path, tmp_path: Path) -> None:
    own = write_wordpiece(tmp_path / "own")
    assert load_vocabulary(own).description.lower_case is True
    (own / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False, "unk_token": "[UNK]"}))
    vocabulary = copy_vocabulary(own, tmp_path / "copied")
    copied = load_vocabulary(tmp_path / "copied")
    assert sorted(path.name for path in (tmp_path / "copied").iterdir()) == ["vocab.txt", "vocabulary.json"]
    assert copied.description == vocabulary.description
    assert copied.description.lower_case is False
    assert copied.fingerprint != load_vocabulary(folder).fingerprint


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"do_lower_case": "yes"}, "do_lower_case: got 'yes'; takes true or false"),
        ({"strip_accents": False}, "strip_accents: got False; takes null or true"),
        ({"tokenize_chinese_chars": False}, "tokenize_chinese_chars: got False; takes true"),
    ],
)
def test_settings_that_would_give_other_ids_are_refused(tmp_path: Path, config: dict, problem: str) -> None:
    (write_wordpiece(tmp_path) / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(PretraceError, match=f"tokenizer_config.json: {problem}"):
        load_vocabulary(tmp_path)


def written(tokens: list[str]) -> Callable[[Path], object]:
    return lambda folder: (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no unknown": (written([token for token in BERT_SPECIALS if token != "[UNK]"]), r"has no token [UNK]"),
    "no mask": (written(BERT_SPECIALS[:4]), "has no token [MASK]"),
    "a token twice": (written([*BERT_SPECIALS, "a", "b", "a"]), "line 8: the token 'a' is also in line 6"),
    "an empty line": (written([*BERT_SPECIALS, "", "b"]), "line 6: is empty"),
    "nothing": (written([]), "line 1: is empty"),
    "bytes": (lambda folder: (folder / "vocab.txt").write_bytes(b"[UNK]\n\xff\n"), "not UTF-8"),
    "a folder": (lambda folder: ((folder / "vocab.txt").unlink(), (folder / "vocab.txt").mkdir()), "a folder"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_damaged_file_is_named_in_one_line(tmp_path: Path, fault: str) -> None:
    change, reason = FAULTS[fault]
    change(write_wordpiece(tmp_path))
    with pytest.raises(PretraceError) as error:
        load_vocabulary(tmp_path)
    text = str(error.value)
    assert "\n" not in text
    assert text.startswith(f"{tmp_path / 'vocab.txt'}: ")
    assert reason in text


def test_lines_may_end_as_on_windows(tmp_path: Path, vocabulary: Vocabulary) -> None:
    path = write_wordpiece(tmp_path) / "vocab.txt"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_vocabulary(tmp_path).encode("the cafe") == vocabulary.encode("the cafe")
