"""The pre-trained language models, with their final weights and those saved on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pretrace.model import LanguageModel, load_model
from pretrace.model.checkpoints.safetensors_file import load_weights

STEP = re.compile(r"step-(\d+)\.safetensors")


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
