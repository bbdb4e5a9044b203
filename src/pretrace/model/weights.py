"""Models on disk: a folder with `config.json` (what to build), `model.safetensors` (the weights) and the vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from pretrace.errors import PretraceError
from pretrace.files import read_json, write_json
from pretrace.model.gpt import GPT
from pretrace.model.lstm import LSTM
from pretrace.settings import LSTMSettings, ModelSettings, Scale


def build_model(kind: str, scale: Scale, vocabulary_size: int, seed: int) -> GPT | LSTM:
    """A model with random weights: `transformer` or `lstm`, of the scale's sizes."""
    if kind == "transformer":
        return GPT(scale.model, vocabulary_size, seed)
    return LSTM(scale.lstm, vocabulary_size, scale.model.context, seed)


def save_model(folder: Path, model: GPT | LSTM) -> None:
    """Write `config.json` and `model.safetensors` into an existing folder."""
    kind = "transformer" if isinstance(model, GPT) else "lstm"
    config = {
        "kind": kind,
        "vocabulary_size": model.token_embedding.num_embeddings,
        "context": model.context,
        "settings": model.settings.model_dump(),
    }
    write_json(folder / "config.json", config)
    save_tensors(folder / "model.safetensors", model)


def save_tensors(path: Path, module: nn.Module) -> None:
    """Write a module's parameters under their names."""
    save_file({name: p.detach().cpu().contiguous() for name, p in module.named_parameters()}, path)


def load_model(folder: Path | str) -> GPT | LSTM:
    """Read a model that `save_model` wrote.

    Raises:
        PretraceError: a file is missing or damaged, or a tensor is missing, unknown or of another shape.
    """
    folder = Path(folder)
    config: dict[str, Any] = read_json(folder / "config.json")
    try:
        if config["kind"] == "transformer":
            model: GPT | LSTM = GPT(ModelSettings(**config["settings"]), config["vocabulary_size"])
        elif config["kind"] == "lstm":
            model = LSTM(LSTMSettings(**config["settings"]), config["vocabulary_size"], config["context"])
        else:
            raise ValueError(f"kind {config['kind']!r}; takes 'transformer' or 'lstm'")
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise PretraceError(f"{folder / 'config.json'}: not a model's description ({reason})") from None
    load_weights(model, folder / "model.safetensors")
    return model


@torch.no_grad()
def load_weights(module: nn.Module, path: Path) -> None:
    """Copy the tensors of a safetensors file into a module's parameters of the same names and shapes."""
    if not path.is_file():
        raise PretraceError(f"{path}: no such file; run the stage that writes it (`dvc repro`)")
    try:
        tensors = load_file(path)
    except Exception as error:
        raise PretraceError(f"{path}: not a whole safetensors file ({error}); delete it and run `dvc repro`") from None
    for name, parameter in module.named_parameters():
        tensor = tensors.pop(name, None)
        if tensor is None or tensor.shape != parameter.shape:
            found = "is missing" if tensor is None else f"has shape {tuple(tensor.shape)}"
            raise PretraceError(f"{path}: tensor {name} {found}; it must have shape {tuple(parameter.shape)}")
        parameter.copy_(tensor)
    if tensors:
        raise PretraceError(f"{path}: tensor {sorted(tensors)[0]} belongs to no part of this model")
