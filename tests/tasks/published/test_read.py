"""Published forms as the rows of tasks; files of another form; the real files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.settings.experiment import Task
from pretrace.settings.ready import ReadySource, with_ready
from pretrace.settings.section import checked
from pretrace.tasks.published.read import FORMS
from pretrace.tasks.raw_files import raw_files
from pretrace.tasks.read_task import read_task_files
from pretrace.tasks.rows.dataset import TaskData
from tests.helpers import published_choices as published


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    published.write_choices(tmp_path / "published")
    return tmp_path / "published"


def ready(name: str, **own: Any) -> Task:
    source = ReadySource(source="files", folder="published")
    return checked(Task, with_ready("mine", {"ready": name, **own}, source), "params.yaml")


def read(name: str, **own: Any) -> TaskData:
    return read_task_files(name, ready(name, **own), str)


def test_rows_with_fewer_choices_have_empty_ones(files: Path) -> None:
    rows = read("arc_easy").splits["test"]
    assert [row.parts[3:] for row in rows[:3]] == [
        ('test "b 0 c', "", ""),
        ('test "b 1 c', 'test "b 1 d', ""),
        ('test "b 2 c', 'test "b 2 d', 'test "b 2 e'),
    ]
    assert [row.label for row in rows] == [0, 1, 2, 0, 0, 0]
    assert all(len(row.raw) == 6 for row in rows)


def test_rows_with_more_choices_are_left_out_and_counted(files: Path) -> None:
    found = read("arc_easy", most_choices=4)
    assert [len(rows) for rows in found.splits.values()] == [4, 4, 4]
    assert found.details["left_out"] == {"more than 4 choices": 6}


def test_rows_that_differ_need_most_choices(files: Path) -> None:
    with pytest.raises(PretraceError, match=r"ARC-Easy-Train\.jsonl: row 2: has 4 choices; .*take `most_choices`$"):
        read("arc_easy", most_choices=None)


def test_answers_to_a_passage_are_of_one_document(files: Path) -> None:
    found = read("multirc")
    assert found.labels == ["false", "true"]
    rows = found.splits["test"]
    assert rows[0].parts == ('validation "passage 0 validation "passage 0?', 'validation "a 0')
    assert [row.origin.rpartition(":")[2] for row in rows] == ["1", "1", "1", "2", "2", "2"]


def test_labels_of_piqa_are_in_a_file_of_their_own(files: Path) -> None:
    assert [row.label for row in read("piqa").splits["test"]] == [0, 1, 0, 1, 0, 1]
    assert list(raw_files(ready("piqa"))) == ["train", "test", "train labels", "test labels"]
    labels = files / "physicaliqa-train-dev" / "dev-labels.lst"
    labels.write_text("0\n1\n")
    with pytest.raises(
        PretraceError, match=r"dev\.jsonl: not in the form that tasks\.piqa\.format: piqa reads \(6 rows"
    ):
        read("piqa")
    labels.unlink()
    with pytest.raises(PretraceError, match=r"dev-labels\.lst: no such file"):
        read("piqa")


@pytest.mark.parametrize(
    ("name", "file", "broken"),
    [
        ("arc_easy", "ARC-V1-Feb2018-2/ARC-Easy/ARC-Easy-Dev.jsonl", {"question": {"stem": "x"}}),
        ("arc_easy", "ARC-V1-Feb2018-2/ARC-Easy/ARC-Easy-Dev.jsonl", {"id": 1}),
        ("multirc", "MultiRC/val.jsonl", {"passage": {"text": "x", "questions": [1]}}),
        ("record", "ReCoRD/val.jsonl", {"passage": {"text": "x", "entities": [], "qas": []}, "qas": [{}]}),
        ("wsc", "WSC/val.jsonl", {"text": "x", "target": {"span2_text": "x", "span2_index": "y"}, "label": 1}),
    ],
)
def test_object_of_another_form_is_named(name: str, file: str, broken: Any, files: Path) -> None:
    path = files / file
    path.write_text(path.read_text() + json.dumps(broken) + "\n")
    where = rf"^published/{file}: (row \d+: )?"
    with pytest.raises(PretraceError, match=rf"{where}not in the form that tasks\.{name}\.format: .* reads \("):
        read(name)


def test_keys_of_a_form(files: Path) -> None:
    with pytest.raises(PretraceError, match="`most_choices` is for `kind: multiple_choice`"):
        ready("multirc", most_choices=3)
    with pytest.raises(PretraceError, match="`format` is for rows that `train` names"):
        checked(Task, {"kind": "entailment", "probe": "follows", "format": "multirc"}, "params.yaml")
    with pytest.raises(PretraceError, match="format"):
        ready("multirc", format="parc")
    assert {"arc", "openbookqa", "multirc", "piqa", "record", "winograd", "wsc"} == set(FORMS)


@pytest.mark.parametrize(
    ("name", "splits", "sizes", "columns"),
    [
        ("arc_easy", ("train", "dev", "test"), [2251, 570, 2376], {"first": "question"}),
        ("arc_challenge", ("train", "dev", "test"), [1119, 299, 1172], {"first": "question"}),
        ("commonsenseqa", ("train", None, "dev"), [8767, 974, 1221], {"first": "question"}),
        ("multirc", ("train_sample", None, "dev"), None, {"first": "passage", "question": "question"}),
    ],
)
@pytest.mark.slow
def test_real_files_have_their_published_rows(
    name: str, splits: tuple[str, ...], sizes: list[int] | None, columns: dict[str, str], shared: Path
) -> None:
    folder = shared / "data" / "tasks" / name
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    own = {key: f"{folder}/{file}.parquet" for key, file in zip(("train", "dev", "test"), splits, strict=True) if file}
    entry = ready(name)
    plain = {"kind": entry.kind, "most_choices": entry.most_choices, "metric": entry.metric, "positive": entry.positive}
    second = {"second": "answer"} if name == "multirc" else {"choices": "choices"}
    task = checked(Task, {**plain, **own, "columns": {**columns, **second, "label": "label"}}, "params.yaml")
    found = read_task_files(name, task, str)
    counts = [len(rows) for rows in found.splits.values()]
    assert counts[2] == entry.card.sizes["test" if "test" in entry.card.sizes else "dev"]
    assert sizes is None or counts[0] + counts[1] == sizes[0] + sizes[1]
    assert found.details["left_out"] == {}
    if name == "arc_easy":
        choices = Counter(sum(map(bool, row.parts[1:])) for row in found.splits["test"])
        assert choices == {4: 2365, 3: 7, 5: 4}


@pytest.mark.slow
def test_real_rows_of_record_are_read(shared: Path) -> None:
    file = shared / "data" / "tasks" / "record" / "train_sample.parquet"
    if not file.exists():
        pytest.skip(f"needs {file}")
    entry = ready("record", train=str(file), test=str(file))
    task = checked(
        Task,
        {"kind": "multiple_choice", "format": "record", "most_choices": 40, "train": str(file), "test": str(file)}
        | {"columns": {"first": "passage", "choices": "choices", "label": "answer"}},
        "params.yaml",
    )
    found = read_task_files("record", task, str)
    assert entry.card.rows == "own"
    assert len(found.splits["test"]) == 64
    for row in found.splits["test"]:
        assert row.parts[1 + int(row.label)].strip()
        assert "@placeholder" not in " ".join(row.parts)
        assert "@highlight" not in row.parts[0]
