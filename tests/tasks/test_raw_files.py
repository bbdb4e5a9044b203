"""Hashes of the files that rows are read from: what is recorded, and what counts as changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.schemas.record import write_record
from pretrace.schemas.tasks import TaskReport
from pretrace.settings import Task
from pretrace.tasks.raw_files import absent_files, changed_files, raw_files, read_task_reports, rows_changed

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, text: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)
    return name


def report_on(task: Task) -> TaskReport:
    return TaskReport(
        kind=task.kind, metric="accuracy", unavailable=None, labels=["no", "yes"], raw_files=raw_files(task)
    )


def test_raw_files_have_the_hash_and_size_of_each_split() -> None:
    train, test = write("rows/a.csv", "text,label\na,0\n"), write("b.csv", "text,label\nb,1\n")
    files = raw_files(Task(kind="classification", train=train, test=test, unlabeled=test))
    assert list(files) == ["train", "test", "unlabeled"]
    assert files["train"].as_json() == {
        "path": "rows/a.csv",
        "sha256": hashlib.sha256(b"text,label\na,0\n").hexdigest(),
        "bytes": 15,
        "revision": None,
    }
    assert files["test"] == files["unlabeled"] != files["train"]


def test_raw_files_of_a_probe_and_of_the_hub() -> None:
    assert raw_files(Task(kind="classification", probe="source")) == {}
    dataset = {"name": "owner/name", "config": "cola", "revision": REVISION}
    (file,) = raw_files(Task.model_validate({"kind": "classification", "dataset": dataset, "train": "train"})).values()
    assert file.as_json() == {
        "path": "owner/name/cola/train",
        "sha256": None,
        "bytes": None,
        "revision": REVISION,
    }


def test_one_changed_label_is_a_change_and_a_touch_is_none() -> None:
    path = Path(write("mine.csv", "text,label\na,0\nb,1\n"))
    report = report_on(Task(kind="classification", train="mine.csv", dev="mine.csv"))
    assert changed_files(report) == absent_files(report) == []
    os.utime(path, ns=(1, 1))
    assert changed_files(report) == []
    state = path.stat()
    path.write_text("text,label\na,1\nb,1\n")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # same size and time
    assert changed_files(report) == ["mine.csv"]  # once, though two splits are read from it
    path.write_text("text,label\na,0\nb,1\n")
    assert changed_files(report) == []


def test_a_missing_file_is_absent_and_not_changed() -> None:
    report = report_on(Task(kind="classification", train=write("mine.csv", "text,label\na,0\n")))
    Path("mine.csv").unlink()
    assert (changed_files(report), absent_files(report)) == ([], ["mine.csv"])


@pytest.mark.parametrize("change", ["edit", "add", "remove", "rename"])
def test_folder_counts_names_and_contents(change: str) -> None:
    write("RACE/train/high/1.txt", "one")
    write("RACE/train/middle/2.txt", "two")
    report = report_on(Task(kind="multiple_choice", train="RACE/train"))
    assert report.raw_files["train"].bytes == 6
    write("RACE/train/readme.md", "not read, so it does not count")
    assert changed_files(report) == []
    if change == "edit":
        write("RACE/train/high/1.txt", "eno")
    elif change == "add":
        write("RACE/train/high/3.txt", "")
    elif change == "remove":
        Path("RACE/train/high/1.txt").unlink()
    else:
        Path("RACE/train/high/1.txt").rename("RACE/train/high/4.txt")
    assert changed_files(report) == ["RACE/train"]


def test_absolute_paths_and_another_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = write(str(tmp_path / "elsewhere/a.csv"), "text,label\na,0\n")
    write("project/b.csv", "text,label\nb,0\n")
    monkeypatch.chdir("project")
    report = report_on(Task(kind="classification", train=outside, test="b.csv"))
    monkeypatch.chdir(tmp_path)
    assert changed_files(report, Path("project")) == absent_files(report, Path("project")) == []
    write(outside, "text,label\na,1\n")
    assert changed_files(report, Path("project")) == [outside]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_that_may_not_be_read_is_one_line() -> None:
    path = Path(write("mine.csv", "text,label\n"))
    path.chmod(0)
    with pytest.raises(PretraceError, match=r"^mine\.csv: cannot be read \(Permission denied\)$"):
        raw_files(Task(kind="classification", train="mine.csv"))


def test_reports_of_another_version_or_missing_are_left_out(tmp_path: Path) -> None:
    report = report_on(Task(kind="classification", train=write("mine.csv", "text,label\na,0\n")))
    Path("reports/tasks").mkdir(parents=True)
    write_record("reports/tasks/mine.json", report)
    write("reports/tasks/old.json", '{"kind": "classification", "no_longer": 1}')
    assert read_task_reports(["mine", "old", "never_run"], tmp_path) == {"mine": report}


def test_sentence_names_task_files_and_command() -> None:
    text = rows_changed("mine", ["a.csv", "b.csv"])
    assert text.startswith(
        "task mine: rows changed since the table was made: a.csv, b.csv; run `dvc repro -f -s tasks@"
    )
