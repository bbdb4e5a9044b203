"""An encoder-decoder on disk: `config.json` (the sizes) and `model.safetensors` (the weights), as other models'."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import SETTINGS_BYTES
from pretrace.model.checkpoints.safetensors_file import WeightsFile, load_module, save_tensors
from pretrace.model.encoder_decoder.transformer import EncoderDecoder
from pretrace.schemas.models import ModelConfig
from pretrace.schemas.record import read_record, write_record
from pretrace.settings import ModelSettings
from pretrace.settings.section import checked


def save_encoder_decoder(folder: Path, model: EncoderDecoder) -> None:
    """Write `config.json` and `model.safetensors` into an existing folder."""
    write_record(folder / "config.json", model.describe())
    save_tensors(folder / "model.safetensors", model)


def load_encoder_decoder(folder: Path) -> EncoderDecoder:
    """Read a model from a folder of `save_encoder_decoder`.

    Raises:
        PretraceError: it is another model, a file is missing or damaged, or a tensor is of another shape.
    """
    path = folder / "config.json"
    config = read_record(path, ModelConfig, SETTINGS_BYTES)
    if config.kind != EncoderDecoder.kind:
        raise PretraceError(f"{path}: kind: got {config.kind}; takes {EncoderDecoder.kind}")
    sizes = checked(ModelSettings, config.settings, str(path), "settings")
    make = partial(EncoderDecoder, sizes, config.vocabulary_size)
    return load_module(make, sizes.layers, WeightsFile(folder / "model.safetensors"), path)
