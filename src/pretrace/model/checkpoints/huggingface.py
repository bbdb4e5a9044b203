"""Hugging Face's folders of GPT-1, GPT-2 and BERT: `config.json` and `model.safetensors`.

Read and written without transformers, by the tables in the modules beside this one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors.torch import save_file
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json, write_json
from pretrace.common.open_file import SETTINGS_BYTES
from pretrace.model.checkpoints.architecture import Architecture, number
from pretrace.model.checkpoints.bert import BERT
from pretrace.model.checkpoints.gpt1 import GPT1
from pretrace.model.checkpoints.gpt2 import GPT2
from pretrace.model.checkpoints.safetensors_file import FLOATS, WeightsFile, load_module
from pretrace.model.transformer import Transformer
from pretrace.settings import ModelSettings

CONFIG = "config.json"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack")
ARCHITECTURES = (GPT1, GPT2, BERT)
"""To add one, write its table in a module of its own and give it an entry here."""


def is_huggingface(folder: Path) -> bool:
    """Return True if the folder's `config.json` is that of a Hugging Face model."""
    path = folder / CONFIG
    if not path.is_file():
        return False
    config = read_json(path, SETTINGS_BYTES)
    return isinstance(config, dict) and "model_type" in config


def read_huggingface(folder: Path) -> Transformer:
    """Read the language model in a Hugging Face folder; a line on stderr names parts of it that we do not have.

    Raises:
        PretraceError: the model is of no architecture in `ARCHITECTURES`, a value of its `config.json` is none that we
            have, its weights are not in a safetensors file, or a tensor is missing, unknown or of another shape.
    """
    path = folder / CONFIG
    config = read_json(path, SETTINGS_BYTES)
    kind = config.get("model_type")
    architecture = next((one for one in ARCHITECTURES if one.model_type == kind), None)
    if architecture is None:
        accepted = ", ".join(repr(one.model_type) for one in ARCHITECTURES)
        raise PretraceError(f"{path}: model_type: got {kind!r}; takes {accepted}")
    _check_weights_file(folder)
    vocabulary_size = number(path, config, "vocab_size")
    file = WeightsFile(folder / WEIGHTS)
    settings = architecture.settings_of(path, config, file.tensors)
    make, layout = partial(Transformer, settings, vocabulary_size), architecture.layout(file.tensors)
    model = load_module(make, settings.layers, file, path, layout)
    _check_tied(architecture, file, model)
    heads = {name for name in file.tensors if architecture.other_heads.fullmatch(name)}
    heads -= {theirs for name, _ in model.named_parameters() for theirs in layout.names_of(name)}
    if heads:
        print(f"{file.path}: not read, as our model has no such part: {', '.join(sorted(heads))}", file=sys.stderr)
    return model


def write_huggingface(
    folder: Path, model: Transformer, token_ids: Mapping[str, int] = MappingProxyType({})
) -> Architecture:
    """Write the model into an existing folder, for `from_pretrained`, and return its architecture there.

    Args:
        token_ids: ids of special tokens, by their keys in `config.json`; those of other architectures are left out.

    Raises:
        PretraceError: as `architecture_of`.
    """
    architecture = architecture_of(model.settings)
    layout = architecture.layout()
    tensors = {
        theirs: part.detach().cpu().contiguous()
        for name, parameter in model.named_parameters()
        for theirs, part in layout.parts(name, parameter)
    }
    write_json(folder / CONFIG, architecture.config_of(model, token_ids))
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})
    return architecture


def architecture_of(settings: ModelSettings) -> Architecture:
    """Return the first architecture that can hold a model.

    Raises:
        PretraceError: none can; the text names what keeps each from it.
    """
    unlike = {one: one.unlike(settings) for one in ARCHITECTURES}
    for architecture, others in unlike.items():
        if not others:
            return architecture
    reasons = "; ".join(f"{one.title} has other values of {', '.join(others)}" for one, others in unlike.items())
    raise PretraceError(f"no architecture of Hugging Face holds this model: {reasons}")


def _check_weights_file(folder: Path) -> None:
    if (folder / WEIGHTS).exists():
        return
    pickles = [name for name in PICKLES if (folder / name).is_file()]
    reason = f"; {pickles[0]} is not opened: convert it with transformers, `save_pretrained`" if pickles else ""
    if (folder / INDEX).exists():
        reason = f"; weights in several files ({INDEX}) are not read: save them in one with `save_pretrained`"
    raise PretraceError(f"{folder / WEIGHTS}: no such file{reason}")


def _check_tied(architecture: Architecture, file: WeightsFile, model: Transformer) -> None:
    """Check that copies of our parameters in the file are copies."""
    parameters = dict(model.named_parameters())
    for name, ours in architecture.tied.items():
        if name in file.tensors and not (ours in parameters and _equal(file, name, parameters[ours])):
            (original,) = architecture.layout(file.tensors).names_of(ours)
            raise PretraceError(f"{file.path}: tensor {name} is not {original}; {architecture.title} has them tied")


def _equal(file: WeightsFile, name: str, parameter: Tensor) -> bool:
    stored = file.tensors[name]
    whole = stored.shape == tuple(parameter.shape) and stored.type in FLOATS
    return whole and torch.equal(file.read(name).float(), parameter)
