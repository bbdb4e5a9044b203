"""Models on disk: a folder with `config.json` (what to build), `model.safetensors` (the weights) and the vocabulary.

`load_model` also opens Hugging Face's and OpenAI's folders of GPT-1. Nothing that it reads is a pickle.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json, write_json
from pretrace.model.build import MODELS
from pretrace.model.checkpoints.huggingface import is_huggingface, read_huggingface
from pretrace.model.checkpoints.openai import SHAPES as OPENAI_SHAPES
from pretrace.model.checkpoints.openai import read_openai
from pretrace.model.checkpoints.safetensors_file import check_room, load_weights, save_tensors
from pretrace.model.language_model import LanguageModel
from pretrace.settings import ModelKind
from pretrace.settings.section import Count, Section, checked


class ModelConfig(Section):
    """Contents of `config.json`."""

    kind: ModelKind
    vocabulary_size: Count
    context: Count
    settings: dict[str, Any]
    """Of the kind's `settings_type`."""


def save_model(folder: Path, model: LanguageModel) -> None:
    """Write `config.json` and `model.safetensors` into an existing folder."""
    write_json(folder / "config.json", model.describe())
    save_tensors(folder / "model.safetensors", model)


def load_model(folder: Path | str) -> LanguageModel:
    """Read a model: a folder that `save_model` wrote, one of Hugging Face's, or one of OpenAI's.

    Raises:
        PretraceError: there is none, a file is missing or damaged, a key of `config.json` is not what it takes, or a
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
            f"Face's openai-gpt), or OpenAI's {OPENAI_SHAPES} with its .npy files"
        )
    model = build_described(read_json(folder / "config.json"), folder / "config.json", folder / "model.safetensors")
    load_weights(model, folder / "model.safetensors")
    return model


def build_described(values: Any, path: Path, weights: Path) -> LanguageModel:
    """Return a model of the sizes that a description has, with weights of no meaning.

    Args:
        path: the file that has the description, for the errors.
        weights: the file that they come from; one that is too small for these sizes is refused.
    """
    config = checked(ModelConfig, values, str(path))
    model_class = MODELS[config.kind]
    sizes = checked(model_class.settings_type, config.settings, str(path), "settings")
    make = partial(model_class.create, sizes, config.vocabulary_size, config.context)
    try:
        check_room(weights, make)
        return make()
    except (RuntimeError, MemoryError) as error:
        raise PretraceError(f"{path}: no room for its sizes ({' '.join(str(error).split())})") from None
