"""Falls of scores: which stop a change, on cells and on the mean, in pairs of rows and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pretrace.review import falls as module
from pretrace.review.falls import falls
from pretrace.review.git_tree import Tree
from pretrace.review.paired_rows import paired_estimates
from pretrace.review.score_changes import score_changes
from pretrace.review.unchanged import is_unchanged
from tests.helpers.made_up_project import benchmark, row

TASKS = ("a", "b", "c", "d", "e", "f")


def lock(lr: float = 0.001, weights: str = "w1", tag: str = "p1") -> dict[str, dict[str, Any]]:
    """Entries of dvc.lock: pre-training, and for each task its rows and a fine-tuning."""
    stages: dict[str, dict[str, Any]] = {
        "pretrain@gpt1": {
            "cmd": "p",
            "deps": [{"path": "src/model", "md5": "m"}],
            "outs": [{"path": "models/p", "md5": weights}],
        }
    }
    for task in TASKS:
        rows = [{"path": f"data/tasks/{task}", "md5": f"rows {task}"}]
        stages[f"tasks@{task}"] = {"cmd": "t", "deps": [], "outs": [dict(one) for one in rows]}
        stages[f"finetune@{task}-full"] = {
            "cmd": "f",
            "deps": [*rows, {"path": "models/p", "md5": weights}],
            "params": {"params.yaml": {"lr": lr}},
            "outs": [{"path": f"data/predictions/{task}-full.parquet", "md5": f"{tag}{task}"}],
        }
    return stages


def tables(fall: float, tasks: tuple[str, ...] = TASKS) -> list[Any]:
    """Changes from 0.70 to 0.70 less `fall` on some of the tasks."""

    def measured(task: str, less: float) -> dict[str, Any]:
        return row(task, "full", scores=[0.69 - less, 0.70 - less, 0.71 - less], stderr=0.013, n_eval=1200)

    old = [measured(task, 0) for task in TASKS]
    new = [measured(task, fall if task in tasks else 0.001) for task in TASKS]
    return score_changes(benchmark(*old), benchmark(*new))


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that compares with locks of one's own."""
    before, after = Tree("main", None, tmp_path / "before"), Tree("here", None, tmp_path)

    def compared(changes: list[Any], one: dict[str, Any], other: dict[str, Any]) -> tuple[list[str], list[str]]:
        monkeypatch.setattr(module, "locked_stages", lambda tree: one if tree is before else other)
        monkeypatch.setattr(module, "cache_folder", lambda root: tmp_path / "cache")
        return falls(changes, before, after)

    return compared


def test_small_fall_everywhere_is_seen_by_the_mean_alone(trees: Any) -> None:
    reasons, notes = trees(tables(0.03), lock(0.001), lock(0.002))
    assert notes == []
    assert len(reasons) == 1 and reasons[0].startswith("mean over 6 tasks/full: 3.0 points lower than at main")


def test_large_fall_on_one_task_is_seen_by_the_cell(trees: Any) -> None:
    reasons, _ = trees(tables(0.10, ("c",)), lock(0.001), lock(0.002))
    assert reasons[0].startswith("c/full: 10.0 points lower than at main")
    assert not any(reason.startswith(("a/", "b/")) for reason in reasons)


def test_nothing_changed_is_a_note(trees: Any) -> None:
    """The weights' hash differs, as on another kind of processor, and nothing that they are made from."""
    reasons, notes = trees(tables(0.10, ("c",)), lock(weights="w1"), lock(weights="w2"))
    assert reasons == []
    assert notes[0].endswith(
        "nothing that it was made from has changed: the machine is of the same kind, so run it again"
    )


def test_same_scores_and_rises_are_no_falls(trees: Any) -> None:
    assert trees(tables(-0.10), lock(0.001), lock(0.002)) == ([], [])
    assert trees(score_changes(benchmark(row("a", "full")), benchmark(row("a", "full"))), lock(), lock()) == ([], [])


def test_changed_stage_is_found_back_to_the_raw_inputs() -> None:
    assert is_unchanged("finetune@a-full", lock(weights="w1"), lock(weights="w2"))
    assert not is_unchanged("finetune@a-full", lock(0.001), lock(0.002))
    other = lock()
    other["pretrain@gpt1"]["deps"][0]["md5"] = "another model"
    assert not is_unchanged("finetune@a-full", lock(), other)
    assert is_unchanged("tasks@a", lock(), other)
    assert not is_unchanged("finetune@gone-full", lock(), lock())


def test_rows_are_paired_where_both_predictions_are_in_the_cache(tmp_path: Path, trees: Any) -> None:
    """3 points on one task: lost among 1,200 independent rows, but not among the rows that differ."""
    random = np.random.default_rng(0)
    (tmp_path / "data/tasks/c").mkdir(parents=True)
    rows = {
        "parts": [["text"]] * 1200,
        "label": np.ones(1200, int),
        "origin": [f"document {i // 4}" for i in range(1200)],
    }
    pd.DataFrame(rows).to_parquet(tmp_path / "data/tasks/c/test.parquet")
    right = (random.random(1200) < 0.7).astype(int)
    worse = np.where((right == 1) & (random.random(1200) < 0.043), 0, right)
    for tag, values in (("p1", right), ("p2", worse)):
        file = tmp_path / "cache" / "files" / "md5" / tag / "c"
        file.parent.mkdir(parents=True)
        seeds = np.repeat([1, 2, 3], 1200)
        table = {"row": np.tile(np.arange(1200), 3), "seed": seeds, "prediction": np.tile(values, 3)}
        pd.DataFrame({**table, "probabilities": None}).to_parquet(file)
    changes = tables(0.03, ("c",))
    one, other = lock(0.001), lock(0.002, tag="p2")
    paired = paired_estimates(changes, one, other, tmp_path, tmp_path / "cache")
    assert list(paired) == [("c", "full")]
    assert paired["c", "full"].value == pytest.approx(np.mean(worse) - np.mean(right))
    reasons, _ = trees(changes, one, other)
    assert len(reasons) == 1 and reasons[0].startswith("c/full: 3") and reasons[0].endswith(", row by row")
    one["tasks@c"]["outs"][0]["md5"] = "other rows"
    assert paired_estimates(changes, one, other, tmp_path, tmp_path / "cache") == {}
    assert trees(changes, one, other)[0] == []


def test_missing_commit_is_no_reason() -> None:
    assert falls(tables(0.1), None, Tree("here", None, Path())) == ([], [])
