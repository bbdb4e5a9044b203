"""The pre-trained language models, with their final weights and those saved on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.model import LanguageModel, load_model
from pretrace.model.checkpoints.safetensors_file import load_weights
from pretrace.schemas.models import PretrainReport
from pretrace.settings import MODEL_KINDS

STEP = re.compile(r"step-(\d+)\.safetensors")


def kinds_in(folder: Path) -> list[str]:
    """Return the kinds of models that were pre-trained into `folder` (models/pretrained/<system>).

    Raises:
        PretraceError: there are none.
    """
    kinds: list[str] = [kind for kind in MODEL_KINDS if (folder / kind / "config.json").exists()]
    if not kinds:
        raise PretraceError(f"{folder}: no pre-trained model; run the stage that writes it (`dvc repro pretrain`)")
    return kinds


def final_step(report: PretrainReport, kind: str) -> int:
    """Return the optimizer steps behind a model's final weights, from reports/pretrain/<system>.json."""
    return report.by_model()[kind].steps


def models_by_step(folder: Path, last: int) -> Iterator[tuple[int, LanguageModel]]:
    """Yield a model after each step whose weights were saved, in order, and last with its final weights.

    The model is the same object each time; only its weights change.
    """
    model = load_model(folder).eval()
    names = ((STEP.fullmatch(path.name), path) for path in folder.glob("steps/*"))
    for step, path in sorted((int(name[1]), path) for name, path in names if name):
        if step < last:
            load_weights(model, path)
            yield step, model
    load_weights(model, folder / "model.safetensors")
    yield last, model
