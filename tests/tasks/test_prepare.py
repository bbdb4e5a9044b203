"""A task as the stage leaves it: rows, rows to be answered, and what its entry says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pretrace.common.errors import PretraceError
from pretrace.settings import Settings, load_settings, read_yaml
from pretrace.tasks.encoded import read_encoded, read_unlabeled
from pretrace.tasks.prepare import prepare_task
from tests.helpers import published_files as published


class Letters:
    """A vocabulary of characters."""

    first_id = separator_id = recipe = None

    def prepare(self, text: str) -> str:
        return text

    def encode_array(self, text: str) -> np.ndarray:
        return np.array([ord(letter) for letter in text], np.uint16)


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
    report = prepare_task(settings, name, [], Letters(), Path("out"))
    note, splits = read_encoded(Path("out"))
    assert note.overrides == {"lr": 1e-4, **({"soft_classes": 6} if name == "stsb" else {})}
    assert (note.card.rows, note.card.paper.table[:5]) == ("files", "Table")
    assert note.zero_shot == {"cola": ["acceptability"], "race": ["choice", "choice_pmi"]}.get(name, [])
    for key in ("kind", "metric", "labels", "details", "raw_files", "overrides", "zero_shot", "card"):
        assert getattr(report, key) == getattr(note, key)
    assert len(splits["test"]) == report.n_test
    asked = read_unlabeled(Path("out"))
    assert report.n_unlabeled == (published.ROWS if unlabeled else 0)
    if unlabeled:
        ids, rows = asked
        assert ids == [str(number) for number in range(published.ROWS)]
        assert (len(rows), rows.parts) == (published.ROWS, unlabeled)
        assert "".join(map(chr, rows.row(3)[0])).startswith("test")
    else:
        assert asked is None


def test_prepare_task_is_deterministic(settings: Settings) -> None:
    for out in ("a", "b"):
        prepare_task(settings, "cola", [], Letters(), Path(out))
    assert sorted(path.name for path in Path("a").iterdir()) == sorted(path.name for path in Path("b").iterdir())
    assert all(path.read_bytes() == (Path("b") / path.name).read_bytes() for path in Path("a").iterdir())


def test_unknown_task_is_refused(settings: Settings) -> None:
    with pytest.raises(PretraceError, match=r"^mine: not in params\.yaml, whose tasks are cola, stsb, snli, race$"):
        prepare_task(settings, "mine", [], Letters(), Path("out"))
