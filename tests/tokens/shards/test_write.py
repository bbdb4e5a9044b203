"""Shards: every document once and whole, the same bytes, also after a kill."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pretrace.corpus import Document, write_documents
from pretrace.tokens.shards import open_shards, write_shards
from tests.helpers.small_shards import TEXTS, Words


def test_shards_hold_every_document_once_and_whole(folder: Path) -> None:
    shards = open_shards(folder, "train", Words.fingerprint)
    starts = shards.document_starts()
    documents = [shards.read(a, b - a).tolist() for a, b in pairwise(starts)]
    expected = [[*Words().encode_array(text).tolist(), 1] for text in TEXTS.values()]
    assert sorted(documents) == sorted(expected)
    assert documents != expected  # strangers are neighbors
    assert shards.tokens == sum(map(len, expected)) == starts[-1]
    assert shards.words == sum(len(text.split()) for text in TEXTS.values())
    assert shards.bytes == sum(len(text) + 1 for text in TEXTS.values())
    assert open_shards(folder, "validation").read(0, 3).tolist() == [15, 16, 1]


def test_shard_files_hold_whole_documents(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    files = manifest["splits"]["train"]["files"]
    assert len(files) > 3
    assert all(file["tokens"] <= 100 for file in files)
    assert sum(file["documents"] for file in files) == 30
    for file in files:
        assert np.fromfile(folder / file["name"], "<u2")[-1] == 1


def test_shards_do_not_depend_on_the_order_of_documents(folder: Path, tmp_path: Path) -> None:
    rows = reversed(list(TEXTS.items()))
    write_documents(tmp_path / "clean" / "train", [Document(i, "s", t) for i, t in rows])
    write_shards(tmp_path / "clean", Words(), tmp_path / "again")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_large_vocabulary_is_stored_in_four_bytes(folder: Path, tmp_path: Path) -> None:
    assert json.loads((folder / "manifest.json").read_text())["id_type"] == "uint16"
    vocabulary = Words()
    vocabulary.size = 70_000
    write_documents(tmp_path / "clean" / "validation", [Document("v", "s", "w5 w65600 w6")])
    manifest = write_shards(tmp_path / "clean", vocabulary, tmp_path / "large")
    assert manifest.id_type == "uint32"
    assert open_shards(tmp_path / "large", "validation").read(0, 4).tolist() == [15, 65_610, 16, 1]
    whole = open_shards(tmp_path / "large", "train")
    assert (whole.read(0, whole.tokens) == open_shards(folder, "train").read(0, whole.tokens)).all()
    file = manifest.splits["train"].files[0]
    assert np.fromfile(tmp_path / "large" / file.name, "<u4").size == file.tokens


class Killed(Words):
    """Is cut off at a word of the second part."""

    def __init__(self, last_word: str) -> None:
        self.last_word, self.encoded = last_word, 0

    def encode_array(self, cleaned: str) -> np.ndarray:
        if self.last_word in cleaned.split():
            raise KeyboardInterrupt
        self.encoded += 1
        return super().encode_array(cleaned)


@pytest.mark.parametrize("damaged", [False, True])
def test_killed_run_resumes(damaged: bool, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.corpus.documents.PART_BYTES", 500)
    train = tmp_path / "clean" / "train"
    write_documents(train, [Document(i, "s", text) for i, text in TEXTS.items()])
    assert len(list(train.iterdir())) > 3
    scratch, out = tmp_path / "scratch", tmp_path / "again"
    killed = Killed("w20")
    with pytest.raises(KeyboardInterrupt):
        write_shards(tmp_path / "clean", killed, out, scratch)
    assert not out.exists()
    assert killed.encoded == 20
    done = sorted(scratch.glob("*/ids.bin"))
    assert len(done) == 1  # the part that it stood in counts for nothing
    if damaged:
        content = bytearray(done[0].read_bytes())
        content[1] ^= 1
        done[0].write_bytes(content)
    rest = Killed("none")
    write_shards(tmp_path / "clean", rest, out, scratch)
    assert (rest.encoded == 31) == damaged  # all, and the one of the validation split
    assert not list(scratch.iterdir())
    for path in folder.iterdir():
        assert path.read_bytes() == (out / path.name).read_bytes()


def test_scratch_of_other_inputs_is_not_used(folder: Path, tmp_path: Path) -> None:
    write_documents(tmp_path / "clean" / "validation", [Document("v", "s", "w5 w99")])
    with pytest.raises(KeyboardInterrupt):
        write_shards(tmp_path / "clean", Killed("w99"), tmp_path / "again", tmp_path / "scratch")
    assert len(list((tmp_path / "scratch").glob("*/index.json"))) == 1  # train
    other = Killed("none")
    other.fingerprint = "e" * 64
    write_shards(tmp_path / "clean", other, tmp_path / "again", tmp_path / "scratch")
    assert other.encoded == 31
    text = [Document(i, "s", text + " w1") for i, text in TEXTS.items()]
    write_documents(tmp_path / "clean" / "train", text)
    changed = Killed("none")
    write_shards(tmp_path / "clean", changed, tmp_path / "again", tmp_path / "scratch")
    assert changed.encoded == 31
