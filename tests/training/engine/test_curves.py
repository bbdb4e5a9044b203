"""Curves in the form that is plotted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pretrace.training.engine.curves import is_shown, write_curve


@pytest.mark.parametrize(("count", "kept"), [(3, 3), (499, 499), (2000, 500)])
def test_curve_is_thinned_to_some_five_hundred_rows(count: int, kept: int, tmp_path: Path) -> None:
    rows = [
        {"step": i, "lr": 0.1, "loss": 1 / i, **({"val_loss": 2.0} if i % 3 == 0 else {})} for i in range(1, count + 1)
    ]
    paths = write_curve(tmp_path, "transformer", rows, count)
    assert [path.name for path in paths] == ["transformer.json", "transformer-validation.json"]
    training, validation = (json.loads(path.read_text()) for path in paths)
    assert len(training) == kept
    assert all(list(row) == ["step", "loss", "lr"] for row in training)
    assert training[-1]["step"] == count
    assert validation == [{"step": i, "val_loss": 2.0} for i in range(3, count + 1, 3)]
    assert len(paths[0].read_text().splitlines()) == kept + 2  # one row a line, for git


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_curve_row_that_is_shown_early_stays() -> None:
    rows = [{"step": step, "loss": 1.0, "lr": 0.1} for step in range(1, 2001)]
    early, late = (
        read(write_curve(Path("c"), "a", [row for row in rows[:n] if is_shown(row, 2000)], 2000)[0])
        for n in (900, 2000)
    )
    assert len(late) == 500
    assert late[: len(early)] == early
