"""Labels of a regression with soft classes: numbers beyond the scale are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.schemas.tasks import TaskReport
from pretrace.tasks.prepare import prepare_task
from pretrace.tasks.rows.dataset import Row, TaskData
from tests.helpers.small_training import settings_with

CLASSES = 6
FILES = {"train": "train.csv", "dev": "dev.csv", "test": "test.csv"}


def a_task(**changes: object) -> dict:
    return {"mine": {"kind": "regression", **FILES, "soft_classes": CLASSES, **changes}}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write_rows(split: str, labels: list[object]) -> None:
    rows = [f"the cat sat {n},a cat was there {n},{label}\n" for n, label in enumerate(labels)]
    Path(FILES[split]).write_text("first,second,label\n" + "".join(rows))


def prepared(out: str) -> TaskReport:
    return prepare_task(settings_with(tasks=a_task()), "mine", [], Path(out))


def test_soft_labels_on_the_scale_are_accepted() -> None:
    for split in FILES:
        write_rows(split, [0, 0.4, 2.6, 5, 5.0, 3, 4, 1])
    assert prepared("tasks").n_train == 8


@pytest.mark.parametrize("split", FILES)
@pytest.mark.parametrize("label", [5.2, -0.1, 50])
def test_soft_label_outside_the_scale_is_one_line(split: str, label: float) -> None:
    for name in FILES:
        write_rows(name, [0, 0.4, 2.6, 5])
    write_rows(split, [0, 0.4, label, 5])
    with pytest.raises(PretraceError) as error:
        prepared("tasks")
    assert str(error.value) == (f"{FILES[split]}: row 3: label {label:g}; `soft_classes: 6` takes numbers from 0 to 5")
    assert not Path("tasks").exists()


def test_probe_with_labels_above_the_scale_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row(("a cat", "a mat"), label) for label in range(4)]
    monkeypatch.setattr(
        "pretrace.tasks.prepare.make_probe", lambda *_: TaskData("regression", "pearson", None, {"train": rows})
    )
    tasks = {"near": {"kind": "regression", "probe": "nearness", "soft_classes": 3}}
    with pytest.raises(PretraceError, match=r"^params\.yaml: tasks\.near\.soft_classes: 3 .* go to 3$"):
        prepare_task(settings_with(tasks=tasks), "near", [], Path("tasks"))
