"""GPT-2's vocabulary: the ids of tiktoken and of transformers on every string, and named faults."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2TokenizerFast

from pretrace.common.errors import PretraceError
from pretrace.tokens import Vocabulary, copy_vocabulary, load_vocabulary
from pretrace.tokens.byte_bpe import END_OF_TEXT, FILES, ByteVocabulary, characters_of_bytes
from tests.helpers.damaged_merges import Fault, Files
from tests.helpers.hostile_strings import MORE_HOSTILE, hostile_text
from tests.helpers.megabytes import megabytes
from tests.helpers.small_byte_vocabulary import write_byte_vocabulary

PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
"""tiktoken's, of its `gpt2`, whose files it would download."""
Ids = Callable[[str], list[int]]


def tiktoken_of(folder: Path) -> Ids:
    byte_of = {character: byte for byte, character in enumerate(characters_of_bytes())}
    ids = json.loads((folder / FILES[0]).read_text())
    end = ids.pop(END_OF_TEXT)
    ranks = {bytes(byte_of[character] for character in token): number for token, number in ids.items()}
    name, specials = "gpt2", {END_OF_TEXT: end}
    encoding = tiktoken.Encoding(name, pat_str=PATTERN, mergeable_ranks=ranks, special_tokens=specials)
    return encoding.encode_ordinary


def transformers_of(folder: Path) -> Ids:
    tokenizer = GPT2TokenizerFast(*(str(folder / name) for name in FILES), model_max_length=1 << 40)
    return lambda text: tokenizer(text, split_special_tokens=True)["input_ids"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_byte_vocabulary(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def vocabulary(folder: Path) -> Vocabulary:
    return load_vocabulary(folder)


@pytest.fixture(scope="module")
def released(shared: Path) -> Path:
    return shared / "data" / "bpe_gpt2"


@pytest.mark.parametrize("text", MORE_HOSTILE, ids=lambda text: ascii(text)[:40])
def test_ids_match_both_judges_on_fixed_strings(vocabulary: Vocabulary, folder: Path, text: str) -> None:
    ids = vocabulary.encode(text)
    assert ids == tiktoken_of(folder)(text) == transformers_of(folder)(text)
    assert vocabulary.decode(ids) == text


def test_released_ids_match_both_judges_on_fixed_strings(released: Path) -> None:
    vocabulary, first, second = load_vocabulary(released), tiktoken_of(released), transformers_of(released)
    assert (vocabulary.size, vocabulary.document_end_id, vocabulary.unknown_id) == (50_257, 50_256, None)
    for text in MORE_HOSTILE:
        assert vocabulary.encode(text) == first(text) == second(text), ascii(text)[:200]


@pytest.mark.slow
def test_released_ids_match_both_judges_on_drawn_strings(released: Path) -> None:
    vocabulary, first, second = load_vocabulary(released), tiktoken_of(released), transformers_of(released)

    @given(hostile_text() | st.text())
    @settings(max_examples=300, database=None)
    def compare(text: str) -> None:
        ids = vocabulary.encode(text)
        assert ids == first(text) == second(text)
        assert vocabulary.decode(ids) == text

    compare()


@pytest.mark.nightly
def test_released_ids_match_both_judges_on_three_thousand_strings(released: Path) -> None:
    vocabulary, first, second = load_vocabulary(released), tiktoken_of(released), transformers_of(released)
    count = 0

    @given(hostile_text() | st.text())
    @settings(max_examples=3000, database=None)
    def compare(text: str) -> None:
        nonlocal count
        count += 1
        assert vocabulary.encode(text) == first(text) == second(text)

    compare()
    assert count >= 3000


@pytest.mark.nightly
def test_released_ids_match_tiktoken_around_every_character(released: Path) -> None:
    """Tables of Unicode, white space above all, are those of the judges."""
    vocabulary, judge = load_vocabulary(released), tiktoken_of(released)
    for number in [*range(0xD800), *range(0xE000, 0x110000)]:
        one = chr(number)
        text = f"a{one}b 1{one}2 {one} \n{one}\n!{one}? {one}{one}"
        assert vocabulary.encode(text) == judge(text), hex(number)


@pytest.mark.nightly
def test_released_ids_match_both_judges_on_megabytes(released: Path, shared: Path) -> None:
    vocabulary, first, second = load_vocabulary(released), tiktoken_of(released), transformers_of(released)
    for name, texts in megabytes(shared):
        for text in texts:
            ids = vocabulary.encode(text)
            assert ids == first(text) == second(text), name


def test_halves_of_surrogate_pairs_are_joined_or_replaced(vocabulary: Vocabulary, folder: Path) -> None:
    text = "a\ud83d\ude00b\ud800c\udfff"
    assert vocabulary.prepare(text) == "a\U0001f600b\ufffdc\ufffd"
    assert vocabulary.encode(text) == tiktoken_of(folder)(text) == vocabulary.encode("a\U0001f600b\ufffdc\ufffd")
    assert vocabulary.prepare("caf\u00e9") == "caf\u00e9"


def test_text_never_becomes_the_end_of_a_document(vocabulary: Vocabulary) -> None:
    for text in (END_OF_TEXT, f"a{END_OF_TEXT}b", END_OF_TEXT * 3):
        ids = vocabulary.encode(text)
        assert vocabulary.document_end_id not in ids
        assert vocabulary.decode(ids) == text
    assert vocabulary.decode([vocabulary.document_end_id]) == END_OF_TEXT


def test_cut_sequence_decodes_what_is_whole(vocabulary: Vocabulary) -> None:
    ids = vocabulary.encode("a\u4e2d")
    assert vocabulary.decode(ids[:-1]) == "a\ufffd"


@given(st.lists(hostile_text(), max_size=4), st.integers(1, 30))
@settings(max_examples=100)
def test_long_text_in_blocks_and_many_texts_have_the_same_ids(
    vocabulary: Vocabulary, texts: list[str], at: int
) -> None:
    whole = [vocabulary.encode(text) for text in texts]
    prepared = [vocabulary.prepare(text) for text in texts]
    assert [ids.tolist() for ids in vocabulary.encode_arrays(prepared)] == whole
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pretrace.tokens.byte_bpe.BLOCK_CHARACTERS", at)
        assert [vocabulary.encode_array(text).tolist() for text in prepared] == whole


def test_cache_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["the cat " * 3, " ".join(map(str, range(50))), "the dogs", "zebra"]
    small, large = load_vocabulary(folder), load_vocabulary(folder)
    expected = [large.encode(text) for text in texts]
    monkeypatch.setattr("pretrace.tokens.word_cache.CACHED_CHARACTERS", 20)
    assert [small.encode(text) for text in texts] == expected
    assert len(small._chunks) < len(large._chunks)  # type: ignore[attr-defined]


def test_worker_has_the_same_ids(vocabulary: Vocabulary) -> None:
    copied = pickle.loads(pickle.dumps(vocabulary))
    assert copied.encode("the abc's") == vocabulary.encode("the abc's")


def test_folder_is_recognized_by_its_files(folder: Path, vocabulary: Vocabulary, tmp_path: Path) -> None:
    theirs = load_vocabulary(write_byte_vocabulary(tmp_path / "theirs", ("vocab.json", "merges.txt")))
    copied = copy_vocabulary(folder, tmp_path / "copied")
    assert sorted(path.name for path in (tmp_path / "copied").iterdir()) == [*FILES, "vocabulary.json"]
    for other in (theirs, copied, load_vocabulary(tmp_path / "copied")):
        assert isinstance(other, ByteVocabulary)
        assert other.description == vocabulary.description
    (tmp_path / "copied" / FILES[1]).write_text("#version: 0.2\nt h\n")
    with pytest.raises(PretraceError, match=r"vocabulary.json: does not match the fingerprint of the files beside it"):
        load_vocabulary(tmp_path / "copied")


DAMAGE = Files(FILES)
edited, added_merge = DAMAGE.edited, DAMAGE.added_merge
FAULTS: dict[str, Fault] = {
    **DAMAGE.faults(),
    "no end": (edited(lambda ids: ids.update(abcd=ids.pop(END_OF_TEXT))), FILES[0], "no token '<|endoftext|>'"),
    "no byte": (edited(lambda ids: ids.update(abcd=ids.pop("e"))), FILES[0], "no token for the byte 0x65"),
    "no byte's character": (edited(lambda ids: ids.update({"\u4e2d": len(ids)})), FILES[0], "stands for no byte"),
    "an empty token": (edited(lambda ids: ids.update({"": len(ids)})), FILES[0], "stands for no byte"),
    "a merge to nothing": (added_merge("q z"), FILES[1], "line 10: takes two symbols whose merge is a token"),
    "a merge of none": (added_merge("tt he"), FILES[1], "line 10"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_damaged_file_is_named_in_one_line(tmp_path: Path, fault: str) -> None:
    folder = write_byte_vocabulary(tmp_path / "vocabulary")
    change, file, reason = FAULTS[fault]
    change(folder)
    with pytest.raises(PretraceError) as error:
        load_vocabulary(folder)
    text = str(error.value)
    assert "\n" not in text
    assert text.startswith(f"{folder / file}: ")
    assert reason in text


def test_merges_of_what_is_no_token_are_refused(tmp_path: Path) -> None:
    folder = write_byte_vocabulary(tmp_path)
    edited(lambda ids: ids.update(zzz=len(ids)))(folder)
    added_merge("zz z")(folder)
    with pytest.raises(PretraceError, match=r"line 10: merges 'zz', which is no token"):
        load_vocabulary(folder)
    edited(lambda ids: ids.update({"<|endoftext|": len(ids)}))(write_byte_vocabulary(tmp_path))
    added_merge("<|endoftext| >")(folder)
    with pytest.raises(PretraceError, match=r"line 10: makes <\|endoftext\|>, which no text may become"):
        load_vocabulary(folder)


@settings(max_examples=100, deadline=None)
@given(st.text("abthe 's.é", min_size=1), st.text("abthe 's.é", min_size=1))
def test_text_that_follows_another_begins_with_a_space(
    tmp_path_factory: pytest.TempPathFactory, a: str, b: str
) -> None:
    """As pre-training has read it: the ids of both are those of the whole."""
    vocabulary = ByteVocabulary(write_byte_vocabulary(tmp_path_factory.mktemp("small")))
    first, second = " ".join(a.split()), " ".join(b.split())
    if first and second:
        apart = vocabulary.encode(first) + vocabulary.encode(vocabulary.between + second)
        assert apart == vocabulary.encode(f"{first} {second}")
