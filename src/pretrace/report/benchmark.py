"""From the stages' result files to one table of scores: rows, and what can be said about them.

Which files are read follows from the settings' tasks and variants, never from what lies in the folder: DVC leaves the
results of a removed task where they are.
"""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Any

from pretrace.errors import PretraceError
from pretrace.files import read_json
from pretrace.settings import Settings

CONFIDENCE = 0.95
REFERENCE = "full"
BASELINES = {"majority": "majority", "tfidf": "TF-IDF", "lm_zero_shot": "LM, zero-shot"}
"""Rows that are not fine-tuned models, in the table's order, with their headings."""


def build_benchmark(settings: Settings, folder: Path) -> dict[str, Any]:
    """Collect the scores under `folder` (usually `reports/`).

    Returns:
        `rows` (one for each task and variant or baseline; scores are raw: accuracy 0.5, not 50), `comparisons` of
        `full` with everything else on each task, and `scores` by task and variant, the form that `dvc metrics diff`
        shows.

    Raises:
        PretraceError: a result is missing or not whole.
    """
    tasks = read_json(folder / "tasks.json")["tasks"]
    rows = []
    for task in settings.tasks:
        if task not in tasks:
            raise PretraceError(f"{folder / 'tasks.json'}: has no task {task!r}; run `dvc repro tasks`")
        rows += [_variant_row(folder, task, variant) for variant in settings.variants]
        rows += _baseline_rows(task, tasks[task])
    scores: dict[str, dict[str, float]] = {task: {} for task in settings.tasks}
    for row in rows:
        if row["score"] is not None:
            scores[row["task"]][row["variant"]] = row["score"]
    return {
        "scale": settings.scale_name,
        "seeds": settings.seeds,
        "scores": scores,
        "rows": rows,
        "comparisons": _comparisons(rows),
    }


def compare(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Whether two rows differ beyond the noise.

    Welch's t-test on the means over seeds, with the sampling error of the test rows as two more parts of the
    variance: seeds share their test rows, so their spread knows nothing of it. Each part brings its own degrees of
    freedom (Welch-Satterthwaite). Taking the two rows' sampling errors as independent, although the test rows are the
    same, makes the test careful rather than bold.

    Returns:
        `difference` (one - other), `noise` (half the 95 % interval's width), `beyond` (difference > noise in size).
    """
    from scipy.stats import t

    parts = []
    for row in (one, other):
        if len(row["scores"]) > 1:
            parts.append((statistics.variance(row["scores"]) / len(row["scores"]), len(row["scores"]) - 1))
        parts.append((row["stderr"] ** 2, max(1, row["n_eval"] - 1)))
    variance = sum(part for part, _ in parts)
    difference = statistics.fmean(one["scores"]) - statistics.fmean(other["scores"])
    noise = 0.0
    if variance > 0:
        freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
        noise = float(t.ppf((1 + CONFIDENCE) / 2, freedom)) * math.sqrt(variance)
    return {
        "task": one["task"],
        "variant": one["variant"],
        "against": other["variant"],
        "difference": difference,
        "noise": noise,
        "beyond": abs(difference) > noise,
    }


def _comparisons(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    measured = [row for row in rows if row["scores"]]
    references = {row["task"]: row for row in measured if row["variant"] == REFERENCE}
    return [
        compare(references[row["task"]], row)
        for row in measured
        if row["task"] in references and row["variant"] != REFERENCE
    ]


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


def _baseline_rows(name: str, task: dict[str, Any]) -> list[dict[str, Any]]:
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
