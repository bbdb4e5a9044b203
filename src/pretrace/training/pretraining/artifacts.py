"""The files of the stage `pretrain`: models, curves, sample texts, metrics."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from pretrace.common.files import atomic_folder, write_text
from pretrace.model import save_model
from pretrace.schemas.models import PretrainReport, Sample
from pretrace.schemas.record import write_record
from pretrace.settings import MAIN_MODEL, Settings
from pretrace.training.engine.curves import write_curve
from pretrace.training.pretraining.monitor import Sampler
from pretrace.training.pretraining.result import Pretrained


def write_results(
    results: dict[str, Pretrained], vocabulary: Path, models: Path, reports: Path, sample: Sampler
) -> PretrainReport:
    """Write all files but the curves of training under way: models to `models`, the rest to `reports`."""
    write_models(results, vocabulary, models)
    write_curves(results, reports / "curves")
    write_record(reports / "samples.json", [Sample(**row) for row in sample(results[MAIN_MODEL].model)])
    return write_report(results, reports / "pretrain.json")


def models_to_pretrain(settings: Settings) -> list[str]:
    """Return the main model, and then the other models that a pre-trained variant uses."""
    return [MAIN_MODEL, *({v.model for v in settings.variants.values() if v.pretrained} - {MAIN_MODEL})]


def write_models(results: dict[str, Pretrained], vocabulary: Path, out: Path) -> None:
    """Write a folder per model: the model, a copy of its vocabulary, its weights along the way."""
    with atomic_folder(out) as temporary:
        for kind, result in results.items():
            folder = temporary / kind
            folder.mkdir()
            save_model(folder, result.model)
            shutil.copytree(vocabulary, folder / "vocabulary")
            if result.steps:
                shutil.copytree(result.steps, folder / "steps")


def write_curves(results: dict[str, Pretrained], out: Path) -> None:
    """Write the curves of each model, and its sample texts along the way."""
    for kind, result in results.items():
        write_curve(out, kind, result.curve, result.metrics.steps)
        if result.samples:
            rows = [json.dumps(row, ensure_ascii=False) + "\n" for row in result.samples]
            write_text(out / f"{kind}-samples.jsonl", "".join(rows))


def write_report(results: dict[str, Pretrained], path: Path) -> PretrainReport:
    """Write and return the metrics: the transformer's, and those of each other model under its name."""
    transformer, *others = results
    metrics = results[transformer].metrics.as_json() | {kind: results[kind].metrics for kind in others}
    report = PretrainReport(**metrics)
    write_record(path, report)
    return report


def total_cost(results: dict[str, Pretrained]) -> dict[str, Any]:
    """Return the cost: the transformer's, and that of each other model under its name."""
    transformer, *others = results
    return results[transformer].cost | {kind: results[kind].cost for kind in others}
