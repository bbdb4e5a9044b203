"""Hugging Face's layout of GPT-1 (`openai-gpt`): `config.json` and `model.safetensors`.

Read and written without transformers. Their linear layers hold weights as (in, out), the transpose of PyTorch's.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json, write_json
from pretrace.common.open_file import SETTINGS_BYTES
from pretrace.model.checkpoints.safetensors_file import FLOATS, FileLayout, WeightsFile, load_module
from pretrace.model.transformer import Transformer
from pretrace.settings import ModelSettings

MODEL_TYPE = "openai-gpt"
CONFIG = "config.json"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
LARGEST = 1 << 24
"""Upper bound of every size, above that of any model."""
PICKLES = ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack")
PREFIX = "transformer."
SIZES = {"layers": "n_layer", "width": "n_embd", "heads": "n_head", "context": "n_positions"}
FIXED = {"afn": "gelu", "layer_norm_epsilon": 1e-5}
"""Values of GPT-1 that are not settings here."""
NAMES = {
    "token_embedding": "tokens_embed",
    "position_embedding": "positions_embed",
    "query_key_value": "attn.c_attn",
    "attention_output": "attn.c_proj",
    "norm_1": "ln_1",
    "feed_forward_in": "mlp.c_fc",
    "feed_forward_out": "mlp.c_proj",
    "norm_2": "ln_2",
}
OUTPUT = "lm_head.weight"
NOT_WEIGHTS = re.compile(
    r"(transformer\.)?h\.\d+\.attn\.bias|multiple_choice_head\..*|(transformer\.)?position_ids|lm_head\.weight"
)
"""Tensors in their files that are no weights of their own: masks of older versions, another head, the tied output."""


def is_huggingface(folder: Path) -> bool:
    """Return True if the folder's `config.json` is that of a Hugging Face model."""
    path = folder / CONFIG
    if not path.is_file():
        return False
    config = read_json(path, SETTINGS_BYTES)
    return isinstance(config, dict) and "model_type" in config


def read_huggingface(folder: Path) -> Transformer:
    """Read the language model in a Hugging Face folder.

    Raises:
        PretraceError: the model is not a GPT-1, its weights are not in a safetensors file, or a tensor is missing,
            unknown or of another shape.
    """
    config = read_json(folder / CONFIG, SETTINGS_BYTES)
    if config.get("model_type") != MODEL_TYPE:
        raise PretraceError(f"{folder / CONFIG}: model_type: got {config.get('model_type')!r}; takes {MODEL_TYPE!r}")
    if not (folder / WEIGHTS).exists():
        pickles = [name for name in PICKLES if (folder / name).is_file()]
        reason = f"; {pickles[0]} is not opened: convert it with transformers, `save_pretrained`" if pickles else ""
        if (folder / INDEX).exists():
            reason = f"; weights in several files ({INDEX}) are not read: save them in one with `save_pretrained`"
        raise PretraceError(f"{folder / WEIGHTS}: no such file{reason}")
    settings, vocabulary_size = _settings_of(folder / CONFIG, config), _number(folder / CONFIG, config, "vocab_size")
    file = WeightsFile(folder / WEIGHTS)
    prefix = PREFIX if any(name.startswith(PREFIX) for name in file.tensors if not NOT_WEIGHTS.fullmatch(name)) else ""
    layout = FileLayout(lambda name: prefix + their_name(name), _turned, NOT_WEIGHTS)
    make = partial(Transformer, settings, vocabulary_size)
    model = load_module(make, settings.layers, file, folder / CONFIG, layout)
    if OUTPUT in file.tensors and not _is_tied(file, model.token_embedding.weight):
        raise PretraceError(f"{file.path}: tensor {OUTPUT} is not the token embeddings; GPT-1's output is tied")
    return model


def write_huggingface(folder: Path, model: Transformer) -> None:
    """Write the model into an existing folder, so that `AutoModelForCausalLM.from_pretrained` opens it.

    Raises:
        PretraceError: the feed-forward network is not four times the width, as their GPT-1 has it, or the model's form
            is not GPT-1's.
    """
    settings = model.settings
    if others := settings.unlike_gpt1():
        raise PretraceError(f"Hugging Face's GPT-1 has no other values for {', '.join(others)}; this model has")
    if settings.feed_forward != 4 * settings.width:
        raise PretraceError(
            f"Hugging Face's GPT-1 has a feed-forward network of 4 x width = {4 * settings.width}; this model's has "
            f"{settings.feed_forward}"
        )
    config = {
        "architectures": ["OpenAIGPTLMHeadModel"],
        "model_type": MODEL_TYPE,
        "vocab_size": model.token_embedding.num_embeddings,
        **{theirs: getattr(settings, ours) for ours, theirs in SIZES.items()},
        **FIXED,
        **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop", "summary_first_dropout"), settings.dropout),
        "initializer_range": settings.initial_std,
        "torch_dtype": "float32",
    }
    tensors = {
        PREFIX + their_name(name): _turned(name, parameter.detach()).cpu().contiguous()
        for name, parameter in model.named_parameters()
    }
    write_json(folder / CONFIG, config)
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})


def their_name(name: str) -> str:
    """Return their name, without `transformer.`, of a parameter of ours."""
    *path, part, kind = name.split(".")
    return ".".join([*(("h", path[1]) if path else ()), NAMES[part], kind])


def _is_tied(file: WeightsFile, embedding_VC: Tensor) -> bool:
    stored = file.tensors[OUTPUT]
    whole = stored.shape == tuple(embedding_VC.shape) and stored.type in FLOATS
    return whole and torch.equal(file.read(OUTPUT).float(), embedding_VC)


def _turned(name: str, tensor: Tensor) -> Tensor:
    """Transpose the weights of linear layers, from our layout to theirs or back."""
    return tensor.T if tensor.dim() == 2 and "embedding" not in name else tensor


def _settings_of(path: Path, config: dict[str, Any]) -> ModelSettings:
    for key, value in FIXED.items():
        if config.get(key, value) != value:
            raise PretraceError(f"{path}: {key}: got {config[key]!r}; GPT-1 has {value!r}")
    sizes: dict[str, Any] = {ours: _number(path, config, theirs) for ours, theirs in SIZES.items()}
    try:
        return ModelSettings(
            **sizes,
            feed_forward=4 * sizes["width"],
            dropout=float(config.get("resid_pdrop", 0.1)),
            embedding_dropout="table",  # their code has `sum`, whatever the weights were trained with
            initial_std=float(config.get("initializer_range", 0.02)),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise PretraceError(f"{path}: not sizes of a GPT-1 ({' '.join(str(error).split())})") from None


def _number(path: Path, config: dict[str, Any], key: str) -> int:
    value = config.get(key)
    if type(value) is not int or not 1 <= value <= LARGEST:
        raise PretraceError(f"{path}: {key}: got {value!r}; takes a whole number from 1 to {LARGEST}")
    return value
