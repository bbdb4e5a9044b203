"""From the stages' result files to one table of scores: rows, and what can be said about them.

Which files are read follows from the settings' tasks and variants, never from what lies in the folder: DVC leaves the
results of a removed task where they are.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json
from pretrace.report.comparisons import Difference, difference, mean_difference
from pretrace.report.predictions import ZERO_SHOT, TaskAnswers, read_answers
from pretrace.settings import MAIN_MODEL, Settings

REFERENCE = "full"
BASELINES = {"majority": "majority", "tfidf": "TF-IDF", ZERO_SHOT: "LM, zero-shot"}
"""Rows that are not fine-tuned models, in the table's order, with their headings."""


def build_benchmark(settings: Settings, folder: Path, data: Path) -> dict[str, Any]:
    """Collect the scores under `folder` (usually `reports/`), and the answers under `data`.

    Returns:
        `rows` (one for each task and variant or baseline; scores are raw: accuracy 0.5, not 50), `comparisons` of
        `full` with everything else on each task, `overall`, the same on the mean over the tasks, `winners` by task
        (null where the noise does not tell), `averages` over the tasks, and `scores` by task and variant, the form
        that `dvc metrics diff` shows.

    Raises:
        PretraceError: a result is missing or not whole.
    """
    rows: list[dict[str, Any]] = []
    winners: dict[str, str | None] = {}
    against: dict[str, list[tuple[str, Difference]]] = {}
    zero_shot = zero_shot_note(folder)["tasks"]
    for task in settings.tasks:
        own = [_variant_row(folder, task, variant) for variant in settings.variants]
        own += _baseline_rows(folder, task)
        own += _zero_shot_rows(zero_shot, task, own[0])
        rows += own
        measured = [row for row in own if row["score"] is not None]
        winners[task] = None
        if measured:
            answers = read_answers(task, list(settings.variants), data)
            found, winners[task] = _compared(measured, answers)
            for name, one in found.items():
                against.setdefault(name, []).append((task, one))
    scores: dict[str, dict[str, float]] = {task: {} for task in settings.tasks}
    for row in rows:
        if row["score"] is not None:
            scores[row["task"]][row["variant"]] = row["score"]
    return {
        "scale": settings.scale_name,
        "seeds": settings.seeds,
        "scores": scores,
        "averages": _averages(rows),
        "winners": winners,
        "rows": rows,
        "comparisons": [
            {"task": task, "variant": REFERENCE, "against": name, **one.as_dict()}
            for name, pairs in against.items()
            for task, one in pairs
        ],
        "overall": [_overall(name, [one for _, one in pairs]) for name, pairs in against.items()],
    }


def _compared(rows: list[dict[str, Any]], answers: TaskAnswers) -> tuple[dict[str, Difference], str | None]:
    """`full` against each other column, and the winner: the best, if it is beyond the noise above all others."""
    metric = rows[0]["metric"]

    def between(one: str, other: str) -> Difference:
        a, b = answers.columns[one], answers.columns[other]
        # The language model by itself may have answered some of the rows only.
        rows_N = np.intersect1d(a.rows_N, b.rows_N)
        one_SN, other_RN = (c.predictions_SN[:, np.searchsorted(c.rows_N, rows_N)] for c in (a, b))
        return difference(metric, answers.labels_N[rows_N], one_SN, other_RN)

    columns = [row["variant"] for row in rows if row["variant"] in answers.columns]
    found = {name: between(REFERENCE, name) for name in columns if REFERENCE in columns and name != REFERENCE}
    best = max(rows, key=lambda row: row["score"])["variant"]
    rivals = [name for name in columns if name != best]
    won = [found[name] if best == REFERENCE else between(best, name) for name in rivals]
    return found, best if won and all(one.beyond and one.value > 0 for one in won) else None


def _overall(against: str, found: list[Difference]) -> dict[str, Any]:
    return {"variant": REFERENCE, "against": against, "tasks": len(found), **mean_difference(found).as_dict()}


def _averages(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Mean score over the tasks of each column that has one on all of them, as in the paper's Table 5."""
    scores: dict[str, list[float]] = {}
    for row in rows:
        if row["score"] is not None:
            scores.setdefault(row["variant"], []).append(row["score"])
    whole = max((len(found) for found in scores.values()), default=0)
    return {name: round(statistics.fmean(s), 6) for name, s in scores.items() if len(s) == whole}


def _variant_row(folder: Path, task: str, variant: str) -> dict[str, Any]:
    path = folder / "finetune" / f"{task}-{variant}.json"
    if not path.exists():
        raise PretraceError(f"{path}: no such file; run `dvc repro finetune@{task}-{variant}`")
    result = read_json(path)
    reason = result.get("unavailable")
    row = {
        "task": task,
        "kind": result["kind"],
        "variant": variant,
        "metric": result["metric"],
        "score": None if reason else result["score"],
        "scores": [] if reason else result["scores"],
        "stderr": None if reason else result["stderr"],
        "n_train": result["n_train"],
        "n_eval": result["n_eval"],
    }
    return {**row, "unavailable": reason} if reason else row


def _baseline_rows(folder: Path, name: str) -> list[dict[str, Any]]:
    task = task_note(folder, name)
    baselines = {} if task.get("unavailable") else task.get("baselines") or {}
    return [
        {
            "task": name,
            "kind": task["kind"],
            "variant": variant,
            "metric": task["metric"],
            "score": baselines[variant]["score"],
            "scores": [baselines[variant]["score"]],
            "stderr": baselines[variant]["stderr"],
            "n_train": task["n_train"],
            "n_eval": task["n_test"],
        }
        for variant in BASELINES
        if variant in baselines
    ]


def _zero_shot_rows(zero_shot: dict[str, Any], task: str, like: dict[str, Any]) -> list[dict[str, Any]]:
    """The transformer without fine-tuning, on a task that has a heuristic for it."""
    found = zero_shot.get(task, {}).get(MAIN_MODEL)
    if not found or like["score"] is None:
        return []
    score = {"score": found["score"], "scores": [found["score"]], "stderr": found["stderr"]}
    return [{**like, "variant": ZERO_SHOT, **score, "n_train": 0, "n_eval": found["n"]}]


def zero_shot_note(folder: Path) -> dict[str, Any]:
    """What the stage `zeroshot` reported: `tasks` and `language_tests`.

    Raises:
        PretraceError: it has not run.
    """
    path = folder / "zeroshot.json"
    if not path.exists():
        raise PretraceError(f"{path}: no such file; run `dvc repro zeroshot`")
    return read_json(path)


def task_note(folder: Path, name: str) -> dict[str, Any]:
    """What the stage `tasks` reported of a task.

    Raises:
        PretraceError: it has not run for this task.
    """
    path = folder / "tasks" / f"{name}.json"
    if not path.exists():
        raise PretraceError(f"{path}: no such file; run `dvc repro tasks@{name}`")
    return read_json(path)
