"""Tasks on disk: what is written is read, and damage is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.tasks.rows.dataset import SPLITS, Row, TaskData, read_rows, write_rows
from pretrace.tasks.rows.encoded import EncodedSplit, read_encoded
from tests.helpers.task_folders import write_task


def encode(text: str) -> np.ndarray:
    """A vocabulary of characters, more than fit into two bytes; an empty text has no ids."""
    return np.array([ord(character) for character in text], np.uint32)


def task_of(kind: str, parts: int, labels: list[str] | None) -> TaskData:
    number = 1.5 if kind == "regression" else 1
    rows = {
        split: [Row(tuple(f"{split}{i}" * (i + j) for j in range(parts)), i * number, f"o{i}") for i in range(size)]
        for split, size in (("train", 5), ("dev", 2), ("test", 3))
    }
    more: dict[str, Any] = {"details": {"more": [1]}, "overrides": {"lr": 1e-4}, "zero_shot": ["choice"]}
    return TaskData(kind, "accuracy", labels, rows, **more)


@pytest.mark.parametrize(
    ("kind", "parts", "labels"),
    [
        ("classification", 1, list("abcde")),
        ("similarity", 2, ["a", "b"]),
        ("regression", 2, None),
        ("multiple_choice", 5, None),
    ],
)
def test_task_is_read_as_written(kind: str, parts: int, labels: list[str] | None, tmp_path: Path) -> None:
    task = task_of(kind, parts, labels)
    write_task(tmp_path / "task", task, encode)
    note, splits = read_encoded(tmp_path / "task")
    assert note.as_json() == {
        "kind": kind,
        "metric": "accuracy",
        "labels": labels,
        "unavailable": None,
        "rows": {"train": 5, "dev": 2, "test": 3},
        "details": {"more": [1]},
        "overrides": {"lr": 1e-4},
        "zero_shot": ["choice"],
        "card": None,
        "columns": {},
        "raw_files": {},
    }
    assert list(splits) == list(SPLITS)
    for split, rows in task.splits.items():
        found = splits[split]
        assert (len(found), found.parts) == (len(rows), parts)
        assert found.labels.dtype == (np.float32 if kind == "regression" else np.int64)
        assert found.labels.tolist() == [row.label for row in rows]
        for number, row in enumerate(rows):
            assert [ids.tolist() for ids in found.row(number)] == [encode(part).tolist() for part in row.parts]
        table = pd.read_parquet(tmp_path / "task" / f"{split}.parquet")
        assert [tuple(parts) for parts in table["parts"]] == [row.parts for row in rows]
        assert table["label"].tolist() == [row.label for row in rows]
        assert table["origin"].tolist() == [row.origin for row in rows]


def test_task_files_are_deterministic(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_task(tmp_path / name, task_of("similarity", 2, ["a", "b"]), encode)
    files = sorted((tmp_path / "a").iterdir())
    assert [path.name for path in files] == sorted(
        ["task.json", *(f"{split}.{suffix}" for split in SPLITS for suffix in ("parquet", "safetensors"))]
    )
    for path in files:
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@given(st.lists(st.tuples(st.text("abc", max_size=5), st.text("abc", max_size=5)), min_size=1, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_rows_of_any_length_are_read_as_written(tmp_path: Path, pairs: list[tuple[str, str]]) -> None:
    rows = [Row(pair, number % 2) for number, pair in enumerate(pairs)]
    task = TaskData("entailment", "accuracy", ["a", "b"], dict.fromkeys(SPLITS, rows))
    write_task(tmp_path / "task", task, encode)
    found = read_encoded(tmp_path / "task")[1]["dev"]
    assert [[ids.tolist() for ids in found.row(i)] for i in range(len(found))] == [
        [encode(part).tolist() for part in pair] for pair in pairs
    ]


def test_unavailable_task_has_a_reason_and_no_rows(tmp_path: Path) -> None:
    task = TaskData("similarity", "accuracy", ["a", "b"], {split: [] for split in SPLITS}, "too few documents")
    write_task(tmp_path / "task", task, encode)
    note, splits = read_encoded(tmp_path / "task")
    assert note.unavailable == "too few documents"
    assert note.rows == {"train": 0, "dev": 0, "test": 0}
    assert splits == {}


@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_damaged_task_file_is_named(tmp_path: Path, damage: str) -> None:
    write_task(tmp_path / "task", task_of("similarity", 2, ["a", "b"]), encode)
    path = tmp_path / "task" / "dev.safetensors"
    content = path.read_bytes()
    path.write_bytes({"missing": b"", "cut": content[:-5], "empty": b""}[damage])
    if damage == "missing":
        path.unlink()
    with pytest.raises(
        PretraceError, match=r"dev\.safetensors: (not readable .*|no such file;) run `dvc repro -f encode`"
    ) as error:
        read_encoded(tmp_path / "task")
    assert "\n" not in str(error.value)


def test_missing_task_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"task\.json: no such file"):
        read_encoded(tmp_path)


def test_failed_write_keeps_the_old_task(tmp_path: Path) -> None:
    write_rows(tmp_path / "task", task_of("similarity", 2, ["a", "b"]))
    failing = task_of("regression", 2, None)
    failing.splits["test"][1] = Row(("a", "b"), object())
    with pytest.raises(ValueError, match="label"):
        write_rows(tmp_path / "task", failing)
    assert json.loads((tmp_path / "task" / "task.json").read_text())["kind"] == "similarity"
    assert [path.name for path in tmp_path.iterdir()] == ["task"]


def test_rows_are_read_as_written(tmp_path: Path) -> None:
    """With the text as it was written beside the words, and rows to predict."""
    task = task_of("similarity", 2, ["a", "b"])
    task.splits["dev"] = [Row(("a cat", "a mat"), 1, "o1", ("A cat", "A  mat"))]
    task.unlabeled = [Row(("the cat", "the mat"), 0, "id-7", ("The cat", "The mat"))]
    write_rows(tmp_path / "task", task)
    found = read_rows(tmp_path / "task")
    plain = {
        split: [Row(row.parts, row.label, row.origin, row.raw or row.parts) for row in rows]
        for split, rows in task.splits.items()
    }
    assert (found.kind, found.metric, found.labels) == (task.kind, task.metric, task.labels)
    assert found.splits == plain
    assert found.unlabeled == task.unlabeled
    (tmp_path / "task" / "dev.parquet").write_bytes(b"PAR1")
    with pytest.raises(PretraceError, match=r"dev\.parquet: not readable .*; run `dvc repro -f tasks`"):
        read_rows(tmp_path / "task")


def test_offsets_delimit_rows() -> None:
    split = EncodedSplit(np.arange(10, dtype=np.uint16), np.array([0, 3, 3, 7, 10]), np.array([0, 1]), 2)
    assert len(split) == 2
    assert [part.tolist() for part in split.row(0)] == [[0, 1, 2], []]
    assert [part.tolist() for part in split.row(1)] == [[3, 4, 5, 6], [7, 8, 9]]
