"""Report of a cell of the benchmark, whichever way its models were trained: facts, scores, curves."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pretrace.common.files import atomic_folder
from pretrace.schemas.finetuning import FinetuneFacts, FinetuneRecipe, FinetuneReport, SeedScores
from pretrace.schemas.record import write_record
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import Settings
from pretrace.tasks.rows.encoded import EncodedSplit, read_encoded
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tasks.rows.metrics import standard_error
from pretrace.training.finetuning.artifacts import UNAVAILABLE, write_predictions
from pretrace.training.finetuning.config import resolve_recipe, training_rows
from pretrace.training.finetuning.job import Job

CURVE = "curve.jsonl"
NO_SCORES: dict[str, Any] = {"score": None, "scores": [], "stderr": None, "cut": {}, "tokens": 0, "flops": 0}


class Cell(NamedTuple):
    """A cell of the benchmark before training."""

    record: TaskRecord
    splits: dict[str, EncodedSplit]
    """Of training rows those that the recipe takes."""
    recipe: FinetuneRecipe
    facts: FinetuneFacts


def read_cell(settings: Settings, task: str, variant: str, task_folder: Path) -> Cell:
    """Read the rows of a task as one variant trains on them, and what is known of the cell before training."""
    record, splits = read_encoded(task_folder)
    recipe = resolve_recipe(settings, variant, task, record)
    if "train" in splits:
        splits["train"] = training_rows(splits["train"], recipe)
    facts = _facts(settings, task, variant, record, recipe, len(splits.get("train", ())))
    return Cell(record, splits, recipe, facts)


def _facts(
    settings: Settings, task: str, variant: str, record: TaskRecord, recipe: FinetuneRecipe, n_train: int
) -> FinetuneFacts:
    return FinetuneFacts(
        task=task,
        kind=recipe.kind,
        variant=variant,
        metric=recipe.metric,
        unavailable=record.unavailable,
        n_train=n_train,
        n_dev=record.rows.get("dev", 0),
        n_eval=record.rows.get("test", 0),
        seeds=settings.seeds,
        lr=recipe.lr,
        epochs=recipe.epochs,
        lm_weight=recipe.lm_weight,
    )


def report_unavailable(facts: FinetuneFacts, out: Path, predictions: Path) -> FinetuneReport:
    """Write what stands in the place of a model and of predictions for a task without rows; return the report."""
    with atomic_folder(out) as temporary:
        write_record(temporary / UNAVAILABLE, facts)
        (temporary / CURVE).touch()
    write_predictions(predictions, KINDS[facts.kind], {})
    return FinetuneReport(**facts.as_json(), **NO_SCORES)


def scores_of(results: Mapping[Job, SeedScores], best: Job, metric: str, labels: np.ndarray) -> dict[str, Any]:
    """Return the scores of all fine-tunings; the standard error is of the one whose score is the median."""
    scores = [result.test_score for result in results.values()]
    median = statistics.median(scores)
    middle = min(results.values(), key=lambda result: (abs(result.test_score - median), result.seed))
    return {
        "seeds": [job.seed for job in results],
        "score": round(median, 6),
        "scores": [round(score, 6) for score in scores],
        "pretrain_seeds": [job.pretrain_seed for job in results if job.pretrain_seed is not None],
        "stderr": round(standard_error(metric, labels, np.array(middle.predictions)), 6),
        "dev_scores": [round(max(result.dev_scores), 6) for result in results.values()],
        "best_epochs": [result.best_epoch for result in results.values()],
        "best_seed": best.seed,
        "best_pretrain_seed": best.pretrain_seed,
    }


def write_curves(path: Path, results: Mapping[Job, SeedScores]) -> None:
    """Write a line for each point of each curve."""
    rows = [
        {"seed": job.seed, "pretrain_seed": job.pretrain_seed, **point.as_json()}
        for job, result in results.items()
        for point in result.curve
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
