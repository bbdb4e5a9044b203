"""The files of the stage `pretrain`: models, curves, sample texts, metrics."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from pretrace.common.files import atomic_folder, write_text
from pretrace.model import save_model
from pretrace.schemas.models import LanguageModelMetrics, PretrainReport, Sample
from pretrace.schemas.record import write_record
from pretrace.settings import MAIN_MODEL, MODEL_KINDS, Settings
from pretrace.training.engine.curves import write_curve
from pretrace.training.pretraining.monitor import Sampler
from pretrace.training.pretraining.result import Pretrained


def write_results(
    results: dict[str, Pretrained], vocabulary: Path, models: Path, reports: Path, system: str, sample: Sampler
) -> PretrainReport:
    """Write all files but the curves of training under way: models to `models`, the rest to `reports`.

    Args:
        results: by name, as `Settings.pretrainings` has it; of each kind of model the first seed comes first.
    """
    write_models(results, vocabulary, models)
    write_curves(results, reports / "curves" / system)
    model = results[MAIN_MODEL].model
    samples = [Sample(**row) for row in (sample(model) if model.is_causal else [])]
    write_record(reports / "samples" / f"{system}.json", samples)
    return write_report(results, reports / "pretrain" / f"{system}.json")


def models_to_pretrain(settings: Settings) -> list[str]:
    """Return the main model, and then the other models that a pre-trained variant of the system uses."""
    own = (v for name, v in settings.variants.items() if settings.system_of(name) == settings.system_name)
    return [MAIN_MODEL, *({variant.model for variant in own if variant.pretrained} - {MAIN_MODEL})]


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
    """Write and return the metrics: the transformer's, and those of each other model under its name."""
    metrics = {kind: _metrics_of_seeds(own) for kind, own in _by_kind(results).items()}
    transformer = metrics.pop(MAIN_MODEL)
    report = PretrainReport(**(transformer.as_json() | metrics))
    write_record(path, report)
    return report


def total_cost(results: dict[str, Pretrained]) -> dict[str, Any]:
    """Return the cost: the transformer's with the first seed, that of other models and of other seeds by name."""
    others = {name: result.cost for name, result in results.items() if name != MAIN_MODEL}
    kinds = {name: others.pop(name) for name in MODEL_KINDS if name in others}
    return results[MAIN_MODEL].cost | kinds | ({"more_seeds": others} if others else {})


def _by_kind(results: dict[str, Pretrained]) -> dict[str, list[Pretrained]]:
    kinds: dict[str, list[Pretrained]] = {}
    for result in results.values():
        kinds.setdefault(result.kind, []).append(result)
    return kinds


def _metrics_of_seeds(results: list[Pretrained]) -> LanguageModelMetrics:
    """Return the metrics of the first seed, with the validation loss of each."""
    losses = {result.seed: result.metrics.loss[1] for result in results if result.seed is not None}
    return results[0].metrics.model_copy(update={"seeds": list(losses), "val_losses": list(losses.values())})
