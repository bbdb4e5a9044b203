"""The pre-trained language models, with their final weights and those that were kept on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.model import LanguageModel, load_model
from pretrace.model.checkpoints.safetensors_file import load_weights
from pretrace.settings import MAIN_MODEL, MODEL_KINDS

KEPT = re.compile(r"step-(\d+)\.safetensors")


def kinds_in(folder: Path) -> list[str]:
    """Which models were pre-trained into `folder` (models/pretrained).

    Raises:
        PretraceError: none.
    """
    found: list[str] = [kind for kind in MODEL_KINDS if (folder / kind / "config.json").exists()]
    if not found:
        raise PretraceError(f"{folder}: no pre-trained model; run the stage that writes it (`dvc repro pretrain`)")
    return found


def updates_of(report: dict[str, Any], kind: str) -> int:
    """Updates behind a model's final weights, by reports/pretrain.json."""
    return int((report if kind == MAIN_MODEL else report[kind])["steps"])


def at_every_step(folder: Path, updates: int) -> Iterator[tuple[int, LanguageModel]]:
    """A model after each number of updates whose weights were kept, rising, and last with its final weights.

    The model is the same object each time; only its weights change.
    """
    model = load_model(folder).eval()
    found = sorted((int(name[1]), path) for path in folder.glob("steps/*") if (name := KEPT.fullmatch(path.name)))
    for step, path in found:
        if step < updates:
            load_weights(model, path)
            yield step, model
    load_weights(model, folder / "model.safetensors")
    yield updates, model
