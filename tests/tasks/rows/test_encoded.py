"""Rows as token ids: of the text that a vocabulary reads, and of each system by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pretrace.schemas.record import read_record
from pretrace.schemas.tasks import TaskRecord
from pretrace.tasks.rows.dataset import TASK, Row, TaskData, write_rows
from pretrace.tasks.rows.encoded import encode_rows, read_encoded, read_unlabeled

WORDS = "GPT-1's words"


class Letters:
    """A vocabulary of characters; of another preparation of text than the rows' it reads them in capitals."""

    separator_id = None

    def __init__(self, recipe: str | None, first_id: int | None = None) -> None:
        self.recipe, self.first_id = recipe, first_id

    def prepare(self, text: str) -> str:
        return text.upper()

    def encode_array(self, text: str) -> np.ndarray:
        if "fails" in text.lower():
            raise RuntimeError("no")
        return np.array([ord(letter) for letter in text], np.uint16)


def text_of(parts: list[np.ndarray]) -> list[str]:
    return ["".join(map(chr, part)) for part in parts]


def rows_of(folder: Path, text: str = "the cat .") -> Path:
    row = Row((text, "a mat"), 1, "o1", (f"  {text} \n", "A mat"))
    task = TaskData("similarity", "accuracy", ["no", "yes"], {split: [row] for split in ("train", "dev", "test")})
    task.unlabeled = [Row(row.parts, 0, "id-7", row.raw)]
    write_rows(folder, task)
    return folder


@pytest.mark.parametrize(("recipe", "said"), [(WORDS, ["the cat .", "a mat"]), (None, ["THE CAT .", "A MAT"])])
def test_words_are_not_made_twice_and_other_text_is_made_from_raw(
    tmp_path: Path, recipe: str | None, said: list[str]
) -> None:
    encode_rows(rows_of(tmp_path / "rows"), Letters(recipe), WORDS, tmp_path / "out")
    _, splits = read_encoded(tmp_path / "out")
    assert [text_of(splits[split].row(0)) for split in ("train", "dev", "test")] == [said] * 3
    ids, unlabeled = read_unlabeled(tmp_path / "out")
    assert (ids, text_of(unlabeled.row(0)), unlabeled.parts) == (["id-7"], said, 2)


def test_each_system_has_its_ids_and_special_tokens(tmp_path: Path) -> None:
    rows = rows_of(tmp_path / "rows")
    before = {path.name: path.read_bytes() for path in rows.iterdir()}
    for system, vocabulary in (("gpt1", Letters(WORDS)), ("bert", Letters(None, 5))):
        encode_rows(rows, vocabulary, WORDS, tmp_path / system / "mine")
    assert {path.name: path.read_bytes() for path in rows.iterdir()} == before
    records = {name: read_record(tmp_path / name / "mine" / TASK, TaskRecord) for name in ("gpt1", "bert")}
    assert (records["gpt1"].first_id, records["bert"].first_id) == (None, 5)
    assert records["bert"].model_copy(update={"first_id": None}) == records["gpt1"]
    files = {path.name for path in (tmp_path / "bert" / "mine").iterdir()}
    splits = ("train", "dev", "test", "unlabeled")
    assert files == {TASK, "unlabeled.parquet", *(f"{split}.safetensors" for split in splits)}


def test_failed_encoding_keeps_the_old_ids(tmp_path: Path) -> None:
    encode_rows(rows_of(tmp_path / "rows"), Letters(WORDS), WORDS, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(RuntimeError):
        encode_rows(rows_of(tmp_path / "rows", "it fails"), Letters(WORDS), WORDS, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "rows"]


def test_task_without_rows_to_predict_has_none(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows", TaskData("similarity", "accuracy", ["no", "yes"], unavailable="too few"))
    encode_rows(tmp_path / "rows", Letters(WORDS), WORDS, tmp_path / "out")
    assert read_unlabeled(tmp_path / "out") is None
    assert read_encoded(tmp_path / "out")[1] == {}
