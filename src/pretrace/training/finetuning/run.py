"""Fine-tune one variant on one task, every seed from every pre-training; report the scores, save the best model."""

from __future__ import annotations

import json
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.files import atomic_folder
from pretrace.schemas.finetuning import FinetunedConfig, FinetuneFacts, FinetuneRecipe, FinetuneReport, SeedResult
from pretrace.schemas.record import read_record, write_record
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import Settings
from pretrace.tasks.encoded import EncodedSplit, read_encoded
from pretrace.tasks.input_formats import is_truncated
from pretrace.tasks.kinds import KINDS
from pretrace.tasks.metrics import standard_error
from pretrace.training.engine.device import check_kernels, choose_device
from pretrace.training.engine.memory import check_training_memory
from pretrace.training.finetuning.artifacts import CONFIG, MODEL, UNAVAILABLE, write_predictions, write_unlabeled
from pretrace.training.finetuning.config import resolve_recipe, training_rows
from pretrace.training.finetuning.job import Job
from pretrace.training.finetuning.seed_jobs import RESULT, SeedJobs

NO_SCORES: dict[str, Any] = {"score": None, "scores": [], "stderr": None, "cut": {}, "tokens": 0, "flops": 0}


def finetune_all_seeds(
    settings: Settings,
    task: str,
    variant: str,
    task_folder: Path,
    pretrained: Path,
    vocabulary_size: int,
    out: Path,
    predictions: Path,
) -> tuple[FinetuneReport, dict[str, Any]]:
    """Fine-tune with every seed, from every pre-training; write the model that is best on dev and the curves to `out`.

    Args:
        settings: those of the variant's system.
        task_folder: the task's rows as ids.
        pretrained: the folder of the system's pre-trained models.
        predictions: the Parquet file for the predictions of all fine-tunings for the test rows.

    Returns:
        The report, one cell of the benchmark; and what depends on the clock.
    """
    record, splits = read_encoded(task_folder)
    recipe = resolve_recipe(settings, variant, task, record)
    if "train" in splits:
        splits["train"] = training_rows(splits["train"], recipe)
    facts = _facts(settings, task, variant, record, recipe, len(splits.get("train", ())))
    if record.unavailable:
        report = FinetuneReport(**facts.as_json(), **NO_SCORES)
        with atomic_folder(out) as temporary:
            write_record(temporary / UNAVAILABLE, facts)
            (temporary / "curve.jsonl").touch()
        write_predictions(predictions, KINDS[recipe.kind], {})
        return report, {}
    check_kernels(settings.scale.kind, choose_device(recipe.precision, 1))
    check_training_memory(settings, vocabulary_size)
    started = time.monotonic()
    jobs = SeedJobs(settings, variant, recipe, task_folder, pretrained, vocabulary_size)
    jobs.run(f"{task}-{variant}")
    results = {job: read_record(jobs.folder(job) / RESULT, SeedResult) for job in jobs.jobs}
    best = max(results, key=lambda job: max(results[job].dev_scores))
    with atomic_folder(out) as temporary:
        shutil.copyfile(jobs.folder(best) / MODEL, temporary / MODEL)
        _write_config(temporary / CONFIG, settings.system_name, record, recipe, best, results[best])
        _write_curves(temporary / "curve.jsonl", results)
        write_unlabeled(temporary, task_folder)
    write_predictions(predictions, KINDS[recipe.kind], results)
    scores = _scores(results, best, recipe.metric, splits["test"].labels)
    cut = {name: count_truncated(split, settings.scale.model.context) for name, split in splits.items()}
    tokens, flops = (sum(counts) for counts in zip(*((r.tokens, r.flops) for r in results.values()), strict=True))
    report = FinetuneReport(**facts.as_json() | scores, cut=cut, tokens=tokens, flops=flops)
    return report, {"seeds_seconds": round(time.monotonic() - started, 2)}


def count_truncated(split: EncodedSplit, context: int) -> int:
    """Return how many examples are too long for the context."""
    return int(is_truncated(np.diff(split.offsets).reshape(-1, split.parts), context).sum())


def _facts(
    settings: Settings, task: str, variant: str, record: TaskRecord, recipe: FinetuneRecipe, n_train: int
) -> FinetuneFacts:
    """Return the facts of a cell of the benchmark that are known before training."""
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


def _scores(results: dict[Job, SeedResult], best: Job, metric: str, labels: np.ndarray) -> dict[str, Any]:
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


def _write_config(
    path: Path, system: str, record: TaskRecord, recipe: FinetuneRecipe, job: Job, result: SeedResult
) -> None:
    config = FinetunedConfig(
        **record.as_json(),
        system=system,
        seed=job.seed,
        pretrain_seed=job.pretrain_seed,
        recipe=recipe,
        model=result.model,
        label_scale=result.label_scale,
    )
    write_record(path, config)


def _write_curves(path: Path, results: dict[Job, SeedResult]) -> None:
    rows = [
        {"seed": job.seed, "pretrain_seed": job.pretrain_seed, **point.as_json()}
        for job, result in results.items()
        for point in result.curve
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
