"""A task as the stage leaves it: rows, rows to be answered, and what its entry says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.schemas.record import read_record
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import Settings, load_settings, read_yaml
from pretrace.tasks.prepare import prepare_task
from pretrace.tasks.rows.dataset import TASK, read_rows
from tests.helpers import published_files as published


@pytest.fixture
def settings(project: Path) -> Settings:
    published.write_published(project / "data" / "published")
    params = read_yaml(project / "params.yaml")
    params["tasks"] = {name: {"ready": name, "lr": 1e-4} for name in ("cola", "stsb", "snli", "race")}
    (project / "params.yaml").write_text(json.dumps(params))  # JSON is YAML, too
    return load_settings()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "unlabeled"), [("cola", 1), ("stsb", 2), ("snli", 0), ("race", 0)])
def test_prepare_task_writes_rows_and_record(name: str, unlabeled: int, settings: Settings) -> None:
    report = prepare_task(settings, name, [], Path("out"))
    note, data = read_record(Path("out") / TASK, TaskRecord), read_rows(Path("out"))
    assert note.overrides == {"lr": 1e-4, **({"soft_classes": 6} if name == "stsb" else {})}
    assert (note.card.rows, note.card.paper.table[:5]) == ("files", "Table")
    assert note.zero_shot == {"cola": ["acceptability"], "race": ["choice", "choice_pmi"]}.get(name, [])
    for key in ("kind", "metric", "labels", "details", "raw_files", "overrides", "zero_shot", "card"):
        assert getattr(report, key) == getattr(note, key)
    assert len(data.splits["test"]) == report.n_test == note.rows["test"]
    asked = data.unlabeled
    assert len(asked) == report.n_unlabeled == (published.ROWS if unlabeled else 0)
    if unlabeled:
        assert [row.origin for row in asked] == [str(number) for number in range(published.ROWS)]
        assert {len(row.parts) for row in asked} == {unlabeled}
        assert asked[3].raw[0].startswith("test")


def test_prepare_task_is_deterministic(settings: Settings) -> None:
    for out in ("a", "b"):
        prepare_task(settings, "cola", [], Path(out))
    assert sorted(path.name for path in Path("a").iterdir()) == sorted(path.name for path in Path("b").iterdir())
    assert all(path.read_bytes() == (Path("b") / path.name).read_bytes() for path in Path("a").iterdir())


def test_unknown_task_is_refused(settings: Settings) -> None:
    with pytest.raises(PretraceError, match=r"^mine: not in params\.yaml, whose tasks are cola, stsb, snli, race$"):
        prepare_task(settings, "mine", [], Path("out"))
