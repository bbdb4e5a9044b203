"""Warnings on the rows of a task: with the others, or, if the task says so, the end of the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.settings import Task
from pretrace.tasks.read_task import read_task_files

ROWS = [f"text {number} is {word},{word}" for number in range(12) for word in ("good", "bad")]


def task(folder: Path, *rows: str, **settings: object) -> Task:
    (folder / "train.csv").write_text("\n".join(["text,label", *rows]))
    return Task(kind="classification", train=str(folder / "train.csv"), **settings)


def test_warnings_are_with_those_of_the_task(tmp_path: Path) -> None:
    data = read_task_files("mine", task(tmp_path, *ROWS), str)
    assert data.warnings == []
    assert data.sizes == [f"{tmp_path}/train.csv: 25 lines, 24 rows"]
    data = read_task_files("mine", task(tmp_path, *ROWS, "one more,bad "), str)
    assert [said.split(":")[0] for said in data.warnings] == [
        "classes that differ only in white space, invisible signs or Unicode form"
    ]


def test_labels_that_are_mapped_or_skipped_are_no_classes(tmp_path: Path) -> None:
    rows = [*ROWS, "one more,bad ", "two more,-"]
    settings = {"labels": {"bad ": "bad", "bad": "bad", "good": "good"}, "skip_labels": ["-"]}
    assert read_task_files("mine", task(tmp_path, *rows, **settings), str).warnings == []


def test_on_warning_stop_makes_a_warning_an_error(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"tasks\.mine: classes that differ only .* tasks\.mine\.on_warning: say"):
        read_task_files("mine", task(tmp_path, *ROWS, "one more,bad ", on_warning="stop"), str)
    assert read_task_files("mine", task(tmp_path, *ROWS, on_warning="stop"), str).warnings == []


def test_numbers_and_choices_have_no_classes(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("first,second,label\n" + "".join(f"a {n},b {n},{n}\n" for n in range(30)))
    regression = Task(kind="regression", train=str(tmp_path / "train.csv"))
    assert read_task_files("mine", regression, str).warnings == []
