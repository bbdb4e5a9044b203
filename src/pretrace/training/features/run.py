"""Train heads on frozen features: one variant on one task, every seed on the features of every pre-training."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.files import atomic_folder, sha256_of_file
from pretrace.model.checkpoints.safetensors_file import save_tensors
from pretrace.schemas.finetuning import FinetuneRecipe, FinetuneReport, HeadConfig, LabelScale, SeedScores
from pretrace.schemas.record import write_record
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import Settings
from pretrace.settings.models.head import HeadSettings
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tasks.rows.metrics import score
from pretrace.training.engine.device import choose_device
from pretrace.training.features.fit import FeatureRows, Fitted, fit_head
from pretrace.training.features.kept import kept_features
from pretrace.training.features.readers import open_reader
from pretrace.training.finetuning.artifacts import HEAD, HEAD_CONFIG, MODEL, write_predictions
from pretrace.training.finetuning.job import Job
from pretrace.training.finetuning.seed_jobs import starting_folders
from pretrace.training.finetuning.summary import CURVE, read_cell, report_unavailable, scores_of, write_curves

WEIGHT_FILES = ("config.json", MODEL)
"""Of a pre-trained model."""


def train_heads(
    settings: Settings,
    task: str,
    variant: str,
    task_folder: Path,
    pretrained: Path,
    vocabulary_size: int,
    out: Path,
    predictions: Path,
) -> tuple[FinetuneReport, dict[str, Any]]:
    """Train a head with every seed, on the features of every pre-training; write the one that is best on dev.

    Args and returns as `pretrace.training.finetuning.run.finetune_all_seeds`.

    Raises:
        PretraceError: a file is missing or damaged, features are too large, or a loss is not finite.
    """
    record, splits, recipe, facts = read_cell(settings, task, variant, task_folder)
    head = settings.variants[variant].head_settings
    facts = facts.model_copy(update={"lr": head.lr, "epochs": head.epochs, "lm_weight": 0.0})
    if record.unavailable:
        return report_unavailable(facts, out, predictions), {}
    started = time.monotonic()
    device = choose_device(recipe.precision, 1)
    fitted: dict[Job, Fitted] = {}
    results: dict[Job, SeedScores] = {}
    work: dict[str, tuple[int, int]] = {}
    for start, folder in starting_folders(settings, variant, pretrained).items():
        for seed in settings.seeds:
            opened = partial(open_reader, settings, variant, vocabulary_size, folder, seed, record, device)
            decides = _what_decides(settings, vocabulary_size, folder, seed, record) | {"device": str(device)}
            kept = kept_features(splits, head, decides, opened)
            work[kept.name] = kept.tokens, kept.flops
            job = Job(start, seed)
            fitted[job], results[job] = _fit(recipe, head, kept.rows, seed, device.name)
    best = max(results, key=lambda job: max(results[job].dev_scores))
    with atomic_folder(out) as temporary:
        save_tensors(temporary / HEAD, fitted[best].head)
        write_record(temporary / HEAD_CONFIG, _config(settings.system_name, record, recipe, best, fitted[best]))
        write_curves(temporary / CURVE, results)
    write_predictions(predictions, KINDS[recipe.kind], results)
    scores = scores_of(results, best, recipe.metric, splits["test"].labels)
    tokens, flops = (sum(counts) for counts in zip(*work.values(), strict=True))
    report = FinetuneReport(**facts.as_json() | scores, cut={}, tokens=tokens, flops=flops)
    return report, {"seeds_seconds": round(time.monotonic() - started, 2)}


def _what_decides(
    settings: Settings, vocabulary_size: int, folder: Path | None, seed: int, record: TaskRecord
) -> dict[str, Any]:
    """Return what the states of texts depend on besides their ids: the weights and the special tokens."""
    special = {"first_id": record.first_id, "separator_id": record.separator_id}
    if folder is not None:
        return special | {file: sha256_of_file(folder / file) for file in WEIGHT_FILES}
    scale = settings.scale
    sizes = {"kind": scale.kind, "context": scale.model.context, **scale.sizes.model_dump(exclude_defaults=True)}
    return special | {"random": sizes, "vocabulary_size": vocabulary_size, "seed": seed}


def _fit(
    recipe: FinetuneRecipe, head: HeadSettings, rows: dict[str, FeatureRows], seed: int, device: str
) -> tuple[Fitted, SeedScores]:
    """Train a head with one seed, and score it."""
    kind = KINDS[recipe.kind]
    fitted = fit_head(kind, recipe.metric, recipe.outputs, head, rows["train"], rows["dev"], seed, device)
    values_E, probabilities_EK = fitted.predict(rows["test"])
    return fitted, SeedScores(
        seed=seed,
        dev_scores=fitted.dev_scores,
        best_epoch=int(np.argmax(fitted.dev_scores)) + 1,
        test_score=score(recipe.metric, rows["test"].labels_E, values_E),
        predictions=[round(float(value), 6) for value in values_E],
        probabilities=None if probabilities_EK is None else probabilities_EK.round(6).tolist(),
        curve=fitted.curve,
    )


def _config(system: str, record: TaskRecord, recipe: FinetuneRecipe, job: Job, fitted: Fitted) -> HeadConfig:
    head = fitted.head
    return HeadConfig(
        **record.as_json(),
        system=system,
        seed=job.seed,
        pretrain_seed=job.pretrain_seed,
        head=head.settings,
        outputs=recipe.outputs,
        layers=head.mix.mean.shape[-2],
        width=head.mix.mean.shape[-1],
        label_scale=LabelScale(**asdict(fitted.scale)),
    )
