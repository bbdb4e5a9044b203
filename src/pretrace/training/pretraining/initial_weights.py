"""Weights to begin with, in place of random ones: a folder in `pretrain.init_from` or `pretrain.continue_from`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import sha256_of_file, sha256_of_json
from pretrace.model.checkpoints.load import load_model
from pretrace.model.language_model import LanguageModel
from pretrace.settings import TRANSFORMER, ModelSettings, Settings

SIZES = ("layers", "width", "heads", "feed_forward", "context")


def load_initial_model(settings: Settings, vocabulary_size: int) -> LanguageModel:
    """Load the transformer to begin with, with the scale's dropout.

    Raises:
        PretraceError: there is no such model, its sizes or its form are not the scale's, or its vocabulary has another
            size.
    """
    scale, folder = settings.scale, str(settings.pretrain.weights)
    model = load_model(folder)
    if not isinstance(model.settings, ModelSettings):
        raise PretraceError(
            f"{folder}: holds a model of kind {model.kind}; `pretrain` in params.yaml takes {TRANSFORMER}"
        )
    place = f"in scales/{settings.scale_name}.yaml"
    for name in SIZES:
        theirs, ours = getattr(model.settings, name), getattr(scale.model, name)
        if theirs != ours:
            raise PretraceError(
                f"{folder}: its {name} is {theirs}, and model.{name} {place} is {ours}; take another `scale`, or make "
                "one with the sizes of these weights"
            )
    for name, theirs in model.settings.form().items():
        ours = getattr(scale.model, name)
        if theirs != ours:
            raise PretraceError(
                f"{folder}: its {name} is {_yaml(theirs)}, and model.{name} {place} is {_yaml(ours)}; take another "
                f"`scale`, or set {name}: {_yaml(theirs)} there"
            )
    rows = model.vocabulary_size
    if rows != vocabulary_size:
        raise PretraceError(f"{folder}: {rows:,} token embeddings, but its vocabulary has {vocabulary_size:,} tokens")
    model.settings = scale.model
    return model


def weights_sha256(folder: Path | str) -> str:
    """Return the SHA-256 of all files of a model that `load_model` may read: descriptions and weights."""
    files = sorted(path for kind in ("*.json", "*.safetensors", "*.npy") for path in Path(folder).glob(kind))
    return sha256_of_json({path.name: sha256_of_file(path) for path in files})


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
