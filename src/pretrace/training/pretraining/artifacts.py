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
from pretrace.settings import TRANSFORMER
from pretrace.training.engine.curves import write_curve
from pretrace.training.pretraining.monitor import Sampler
from pretrace.training.pretraining.result import Pretrained


def write_results(
    results: dict[str, Pretrained], vocabulary: Path, models: Path, reports: Path, system: str, sample: Sampler
) -> PretrainReport:
    """Write all files but the curves of training under way: models to `models`, the rest to `reports`.

    Args:
        results: by name, as `Settings.pretrainings` has it; the first seed comes first.
    """
    write_models(results, vocabulary, models)
    write_curves(results, reports / "curves" / system)
    model = next(iter(results.values())).model
    samples = [Sample(**row) for row in (sample(model) if model.is_causal else [])]
    write_record(reports / "samples" / f"{system}.json", samples)
    return write_report(results, reports / "pretrain" / f"{system}.json")


def write_models(results: dict[str, Pretrained], vocabulary: Path, out: Path) -> None:
    """Write a folder per model: the model, a copy of its vocabulary, its weights along the way."""
    with atomic_folder(out) as temporary:
        for name, result in results.items():
            folder = temporary / name
            folder.mkdir()
            save_model(folder, result.model)
            shutil.copytree(vocabulary, folder / "vocabulary")
            if result.steps:
                shutil.copytree(result.steps, folder / "steps")


def write_curves(results: dict[str, Pretrained], out: Path) -> None:
    """Write the curves of each model, and its sample texts along the way."""
    for name, result in results.items():
        write_curve(out, name, result.curve, result.metrics.steps)
        if result.samples:
            rows = [json.dumps(row, ensure_ascii=False) + "\n" for row in result.samples]
            write_text(out / f"{name}-samples.jsonl", "".join(rows))


def write_report(results: dict[str, Pretrained], path: Path) -> PretrainReport:
    """Write and return the metrics of the first seed, with the validation loss of each."""
    first = next(iter(results.values()))
    losses = {result.seed: result.metrics.loss[1] for result in results.values() if result.seed is not None}
    kind = {"kind": first.model.kind} if first.model.kind != TRANSFORMER else {}
    of_seeds = {"seeds": list(losses), "val_losses": list(losses.values())}
    report = PretrainReport(**(first.metrics.as_json() | of_seeds | kind))
    write_record(path, report)
    return report


def total_cost(results: dict[str, Pretrained]) -> dict[str, Any]:
    """Return the cost: that of the first seed, and those of the others by name."""
    (_, first), *others = results.items()
    return first.cost | ({"more_seeds": {name: result.cost for name, result in others}} if others else {})
