"""Models on disk: a folder with `config.json` (what to build), `model.safetensors` (the weights) and the vocabulary.

`load_model` also opens Hugging Face's and OpenAI's folders of GPT-1. Nothing that it reads is a pickle.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pretrace.errors import PretraceError
from pretrace.files import read_json, write_json
from pretrace.model.gpt import GPT
from pretrace.model.huggingface import is_huggingface, read_huggingface
from pretrace.model.lstm import LSTM
from pretrace.model.openai import SHAPES as OPENAI_SHAPES
from pretrace.model.openai import read_openai
from pretrace.model.tensors import load_weights, save_tensors
from pretrace.settings import LSTMSettings, ModelSettings


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


def load_model(folder: Path | str) -> GPT | LSTM:
    """Read a model: a folder that `save_model` wrote, one of Hugging Face's, or one of OpenAI's.

    Raises:
        PretraceError: there is none, a file is missing or damaged, or a tensor is missing, unknown or of another shape.
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
