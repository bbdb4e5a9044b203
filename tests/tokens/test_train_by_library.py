"""Byte-level and WordPiece vocabularies trained here: the same bytes whatever order and process, and named faults."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.tokens import load_vocabulary, train_by_library
from pretrace.tokens.bert_text import BertText
from pretrace.tokens.byte_bpe import END_OF_TEXT, ByteVocabulary, characters_of_bytes
from pretrace.tokens.train_by_library import train_byte_bpe, train_wordpiece
from pretrace.tokens.wordpiece import SPECIALS
from tests.helpers import REPOSITORY
from tests.helpers.hostile_strings import HOSTILE
from tests.helpers.small_vocabulary import TEXT

TEXTS = [*TEXT.split("\n"), "Caf\u00e9 \u4e2d\u6587 \U0001f600 na\u00efve, na\u00efve!", "x\ty  z\n\n 12 345", ""]
TRAIN = """
import sys
from pathlib import Path
from pretrace.tokens import train_by_library
from tests.tokens.test_train_by_library import PREPARED
name, out, step = sys.argv[1:]
size = {"train_byte_bpe": 300, "train_wordpiece": 220}[name]
getattr(train_by_library, name)(lambda: PREPARED[name][:: int(step)], Path(out), size)
"""
PREPARED = {"train_byte_bpe": TEXTS, "train_wordpiece": [BertText(True)(text) for text in TEXTS]}
TRAINERS: list[Callable] = [train_byte_bpe, train_wordpiece]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("train", TRAINERS)
def test_two_processes_and_orders_give_the_same_files(tmp_path: Path, train: Callable) -> None:
    made = []
    for number, (step, threads, seed) in enumerate([(1, "true", "1"), (-1, "false", "2"), (-1, "true", "3")]):
        out = tmp_path / str(number)
        variables = {"TOKENIZERS_PARALLELISM": threads, "PYTHONHASHSEED": seed, "PYTHONPATH": str(REPOSITORY)}
        arguments = [sys.executable, "-c", TRAIN, train.__name__, str(out), str(step)]
        subprocess.run(arguments, env={**os.environ, **variables}, check=True)
        made.append(content(out))
    assert made[0] == made[1] == made[2]


def test_parts_of_texts_are_counted_as_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for characters in (1, 7, 10**9):
        monkeypatch.setattr(train_by_library, "PART_CHARACTERS", characters)
        train_byte_bpe(lambda: [*TEXTS, *HOSTILE], tmp_path / str(characters), 320)
        made.append(content(tmp_path / str(characters)))
    assert made[0] == made[1] == made[2]


def test_byte_vocabulary_has_the_order_of_gpt2(tmp_path: Path) -> None:
    report = train_byte_bpe(lambda: TEXTS, tmp_path / "out", 300)
    assert report == {"size": 300, "longest_piece": report["longest_piece"]}
    vocabulary = load_vocabulary(tmp_path / "out")
    assert isinstance(vocabulary, ByteVocabulary)
    tokens = [token for token, _ in sorted(read_ids(tmp_path / "out").items(), key=lambda item: item[1])]
    assert tokens[:256] == sorted(characters_of_bytes())
    assert tokens[-1] == END_OF_TEXT
    assert vocabulary.document_end_id == 299
    merges = (tmp_path / "out" / "vocab.bpe").read_text(encoding="utf-8").split("\n")
    assert [line.replace(" ", "") for line in merges[1:-1]] == tokens[256:-1]
    for text in [*TEXTS, "never seen \u0439"]:
        assert vocabulary.decode(vocabulary.encode(text)) == text
    assert len(vocabulary.encode(TEXT)) < len(TEXT)


def read_ids(folder: Path) -> dict[str, int]:
    from pretrace.tokens.openai_bpe import read_ids as read

    return read(folder / "encoder.json")


@pytest.mark.parametrize("lower_case", [True, False])
def test_wordpiece_vocabulary_begins_with_its_special_tokens(tmp_path: Path, lower_case: bool) -> None:
    train_wordpiece(lambda: map(BertText(lower_case), TEXTS), tmp_path / "out", 220, lower_case)
    tokens = (tmp_path / "out" / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
    assert tokens[:5] == list(SPECIALS)
    inside = [token for token in tokens if token.startswith("##") and len(token) == 3]
    assert tokens[5 : 5 + len(inside)] == sorted(inside)
    assert len(inside) <= 220 // 4
    vocabulary = load_vocabulary(tmp_path / "out")
    assert (vocabulary.padding_id, vocabulary.unknown_id, vocabulary.first_id) == (0, 1, 2)
    assert (vocabulary.separator_id, vocabulary.mask_id, vocabulary.document_end_id) == (3, 4, 3)
    assert vocabulary.decode(vocabulary.encode("It was")) == ("it was" if lower_case else "It was")
    assert any(token != token.lower() for token in tokens[5:]) is not lower_case


def test_rare_characters_have_no_token(tmp_path: Path) -> None:
    many = [TEXT] * 3 + ["".join(chr(0x4E00 + number) for number in range(500))]
    train_wordpiece(lambda: map(BertText(True), many), tmp_path / "out", 220)
    vocabulary = load_vocabulary(tmp_path / "out")
    assert vocabulary.encode("\u4ff0") == [vocabulary.unknown_id]
    assert vocabulary.unknown_id not in vocabulary.encode("it was the best")


@pytest.mark.parametrize("train", TRAINERS)
def test_too_many_tokens_name_the_most(tmp_path: Path, train: Callable) -> None:
    with pytest.raises(PretraceError, match=r"vocabulary.size: 50000 tokens are more .* the most is (\d+)") as caught:
        train(lambda: PREPARED[train.__name__], tmp_path / "out", 50_000)
    assert not (tmp_path / "out").exists()
    most = int(str(caught.value).rsplit(" ", 1)[1])
    train(lambda: PREPARED[train.__name__], tmp_path / "out", most)
    with pytest.raises(PretraceError, match=f"the most is {most}"):
        train(lambda: PREPARED[train.__name__], tmp_path / "more", most + 1)
    with pytest.raises(PretraceError, match="no text to train"):
        train(lambda: ["", " \n"], tmp_path / "none", 300)


def test_byte_vocabulary_needs_room_for_all_bytes(tmp_path: Path) -> None:
    with pytest.raises(
        PretraceError, match=r"vocabulary.size: 256 tokens have no room for all bytes; the least is 257"
    ):
        train_byte_bpe(lambda: TEXTS, tmp_path / "out", 256)


def test_merges_are_learned_in_the_order_of_their_counts(tmp_path: Path) -> None:
    train_byte_bpe(lambda: ["ab ab ab cd cd"], tmp_path / "out", 261)
    lines = (tmp_path / "out" / "vocab.bpe").read_text(encoding="utf-8").split("\n")
    assert lines[1] == "a b"
    assert len(lines) == 6
