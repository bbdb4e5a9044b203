"""Fine-tune one variant on one task, every seed from every pre-training; report the scores, save the best model."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.files import atomic_folder
from pretrace.schemas.finetuning import FinetunedConfig, FinetuneRecipe, FinetuneReport, SeedResult
from pretrace.schemas.record import read_record, write_record
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import Settings
from pretrace.tasks.rows.encoded import EncodedSplit
from pretrace.tasks.rows.input_formats import is_truncated
from pretrace.tasks.rows.kinds import KINDS
from pretrace.training.engine.device import check_kernels, choose_device
from pretrace.training.engine.memory import check_training_memory
from pretrace.training.finetuning.artifacts import CONFIG, MODEL, write_predictions, write_unlabeled
from pretrace.training.finetuning.job import Job
from pretrace.training.finetuning.seed_jobs import RESULT, SeedJobs
from pretrace.training.finetuning.summary import CURVE, read_cell, report_unavailable, scores_of, write_curves


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
    record, splits, recipe, facts = read_cell(settings, task, variant, task_folder)
    if record.unavailable:
        return report_unavailable(facts, out, predictions), {}
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
        write_curves(temporary / CURVE, results)
        write_unlabeled(temporary, task_folder)
    write_predictions(predictions, KINDS[recipe.kind], results)
    scores = scores_of(results, best, recipe.metric, splits["test"].labels)
    cut = {name: count_truncated(split, settings.scale.model.context) for name, split in splits.items()}
    tokens, flops = (sum(counts) for counts in zip(*((r.tokens, r.flops) for r in results.values()), strict=True))
    report = FinetuneReport(**facts.as_json() | scores, cut=cut, tokens=tokens, flops=flops)
    return report, {"seeds_seconds": round(time.monotonic() - started, 2)}


def count_truncated(split: EncodedSplit, context: int) -> int:
    """Return how many examples are too long for the context."""
    return int(is_truncated(np.diff(split.offsets).reshape(-1, split.parts), context).sum())


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
