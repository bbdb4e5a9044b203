"""Models on disk: a folder with `config.json` (the sizes), `model.safetensors` (the weights) and the vocabulary.

`load_model` also opens Hugging Face's folders of GPT-1, GPT-2 and BERT, and OpenAI's of GPT-1. Nothing that it
reads is a pickle.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import SETTINGS_BYTES
from pretrace.model.build import MODELS
from pretrace.model.checkpoints.huggingface import is_huggingface, read_huggingface
from pretrace.model.checkpoints.openai import SHAPES as OPENAI_SHAPES
from pretrace.model.checkpoints.openai import read_openai
from pretrace.model.checkpoints.safetensors_file import WeightsFile, load_module, save_tensors
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.models import ModelConfig
from pretrace.schemas.record import read_record, write_record
from pretrace.settings.section import checked


def save_model(folder: Path, model: LanguageModel) -> None:
    """Write `config.json` and `model.safetensors` into an existing folder."""
    write_record(folder / "config.json", model.describe())
    save_tensors(folder / "model.safetensors", model)


def load_model(folder: Path | str) -> LanguageModel:
    """Read a model from a folder of `save_model`, of Hugging Face or of OpenAI.

    Raises:
        PretraceError: there is no model, a file is missing or damaged, a value of `config.json` is not accepted, or a
            tensor is missing, unknown or of another shape.
    """
    folder = Path(folder)
    if (folder / OPENAI_SHAPES).exists():
        return read_openai(folder)
    if is_huggingface(folder):
        return read_huggingface(folder)
    if not (folder / "config.json").exists():
        raise PretraceError(
            f"{folder}: no model there; takes config.json with model.safetensors (the pipeline's own, or Hugging "
            f"Face's of GPT-1, GPT-2 or BERT), or OpenAI's {OPENAI_SHAPES} with its .npy files"
        )
    path = folder / "config.json"
    make, layers = described_model(read_record(path, ModelConfig, SETTINGS_BYTES), path)
    return load_module(make, layers, WeightsFile(folder / "model.safetensors"), path)


def described_model(config: ModelConfig, path: Path, under: str = "") -> tuple[Callable[[], LanguageModel], int]:
    """Return what makes a model of the sizes in a `config.json`, with random weights; and its layers.

    Args:
        path: file of `config`, for errors.
        under: key of `config` in its file, for errors; "" if it is the whole file.
    """
    model_class = MODELS[config.kind]
    sizes = checked(model_class.settings_type, config.settings, str(path), f"{under}.settings".strip("."))
    return partial(model_class.create, sizes, config.vocabulary_size, config.context), sizes.layers
