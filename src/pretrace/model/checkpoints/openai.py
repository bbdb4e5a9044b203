"""OpenAI's layout of GPT-1: ten `.npy` files, concatenated and split into tensors by a list of shapes.

    params_shapes.json    [[512, 768], [40478, 768], [1, 768, 2304], [2304], ...]
    params_0.npy ... params_9.npy

The order is: position embeddings, token embeddings, then for each block the fused query-key-value, the attention's
output, the first norm, the two layers of the feed-forward network and the second norm, weights before biases and gains
before offsets. Weights of linear layers are (1, in, out). The number of heads is not stored; a head is taken to be 64
wide, as in GPT-1.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast, overload

import numpy as np
import torch
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json, write_json
from pretrace.common.open_file import SETTINGS_BYTES, open_file
from pretrace.model.transformer import Transformer
from pretrace.settings import ModelSettings

SHAPES = "params_shapes.json"
FILES = tuple(f"params_{number}.npy" for number in range(10))
HEAD_WIDTH = 64
PARTS = ("query_key_value", "attention_output", "norm_1", "feed_forward_in", "feed_forward_out", "norm_2")
"""Parts of a block, in the order of the file."""
TENSORS_PER_BLOCK = 2 * len(PARTS)
NOT_STORED: dict[str, Any] = {"dropout": 0.1, "embedding_dropout": "table", "initial_std": 0.02}
"""GPT-1's values of settings that the layout does not store."""


def read_openai(folder: Path) -> Transformer:
    """Read the model in a folder of OpenAI's layout.

    Raises:
        PretraceError: a file is missing or not a plain array of finite floats, or the shapes are not those of a GPT-1.
    """
    shapes = _read_shapes(folder / SHAPES)
    sizes = [math.prod(shape) for shape in shapes]
    # From the headers, so that nothing is allocated for files of another size.
    held = sum(_read_npy(folder / name, header_only=True) for name in FILES)
    if sum(sizes) != held:
        raise PretraceError(
            f"{folder}: {SHAPES} asks for {sum(sizes):,} numbers, {FILES[0]} to {FILES[-1]} hold {held:,}"
        )
    (context, width), (vocabulary_size, _) = shapes[0], shapes[1]
    layers = (len(shapes) - 2) // TENSORS_PER_BLOCK
    if width % HEAD_WIDTH:
        raise PretraceError(f"{folder / SHAPES}: width {width} is not a multiple of {HEAD_WIDTH}, the width of a head")
    sizes_of_model: dict[str, Any] = {
        "layers": layers,
        "width": width,
        "heads": width // HEAD_WIDTH,
        "context": context,
    }
    try:
        settings = ModelSettings(**sizes_of_model, feed_forward=shapes[2 + 6][-1], **NOT_STORED)
    except ValueError as error:
        raise PretraceError(f"{folder / SHAPES}: not sizes of a GPT-1 ({' '.join(str(error).split())})") from None
    with torch.device("meta"):
        _check_shapes(folder / SHAPES, Transformer(settings, vocabulary_size), shapes)
    flat = np.concatenate([_read_npy(folder / name) for name in FILES])
    arrays = [part.reshape(shape) for part, shape in zip(np.split(flat, np.cumsum(sizes)[:-1]), shapes, strict=True)]
    model = Transformer(settings, vocabulary_size)
    with torch.no_grad():
        for (name, parameter), array in zip(_in_order(model), arrays, strict=True):
            tensor = torch.from_numpy(array)
            parameter.copy_(tensor[0].T if _is_linear(name, parameter) else tensor)
    return model


def write_openai(folder: Path, model: Transformer) -> None:
    """Write a model in OpenAI's layout into an existing folder.

    Raises:
        PretraceError: the layout cannot hold the model, as its heads are not 64 wide or its form is not GPT-1's.
    """
    if others := model.settings.unlike({}):
        raise PretraceError(f"OpenAI's layout is of GPT-1, which has other values of {', '.join(others)}")
    if model.width != HEAD_WIDTH * model.settings.heads:
        raise PretraceError(
            f"OpenAI's layout does not say how many heads there are: they are {HEAD_WIDTH} wide, and this model's are "
            f"{model.width // model.settings.heads}"
        )
    arrays = [
        parameter.detach().T[None].cpu().numpy() if _is_linear(name, parameter) else parameter.detach().cpu().numpy()
        for name, parameter in _in_order(model)
    ]
    flat = np.concatenate([array.reshape(-1) for array in arrays])
    for name, part in zip(FILES, np.array_split(flat, len(FILES)), strict=True):
        np.save(folder / name, part, allow_pickle=False)
    write_json(folder / SHAPES, [list(array.shape) for array in arrays])


def _in_order(model: Transformer) -> list[tuple[str, Tensor]]:
    """Return the parameters with their names, in the order of the file."""
    known = dict(model.named_parameters())
    names = ["position_embedding.weight", "token_embedding.weight"]
    for number in range(model.settings.layers):
        names += [f"blocks.{number}.{part}.{kind}" for part in PARTS for kind in ("weight", "bias")]
    return [(name, known[name]) for name in names]


def _is_linear(name: str, parameter: Tensor) -> bool:
    """Return True for the weight of a linear layer: (out, in) here, (1, in, out) there."""
    return parameter.dim() == 2 and "embedding" not in name


def _check_shapes(path: Path, model: Transformer, shapes: list[list[int]]) -> None:
    for number, ((name, parameter), shape) in enumerate(zip(_in_order(model), shapes, strict=True)):
        wanted = [1, *parameter.T.shape] if _is_linear(name, parameter) else list(parameter.shape)
        if shape != wanted:
            raise PretraceError(f"{path}: tensor {number} ({name}) has shape {shape}; it must have shape {wanted}")


def _read_shapes(path: Path) -> list[list[int]]:
    missing = "no such file; OpenAI's layout needs it"
    shapes = read_json(path, SETTINGS_BYTES, missing, "takes a list of shapes")
    whole = isinstance(shapes, list) and all(
        isinstance(shape, list) and shape and all(type(n) is int and n > 0 for n in shape) for shape in shapes
    )
    if not whole or len(shapes) < 2 + TENSORS_PER_BLOCK or (len(shapes) - 2) % TENSORS_PER_BLOCK:
        raise PretraceError(
            f"{path}: takes a list of shapes: two embeddings, then {TENSORS_PER_BLOCK} tensors for each block"
        )
    if any(len(shape) != 2 for shape in shapes[:2]):
        raise PretraceError(f"{path}: the first two shapes are the embeddings' and take two numbers each")
    return cast("list[list[int]]", shapes)


@overload
def _read_npy(path: Path, header_only: Literal[True]) -> int: ...
@overload
def _read_npy(path: Path) -> np.ndarray: ...
def _read_npy(path: Path, header_only: bool = False) -> np.ndarray | int:
    """Return the array of floats in a .npy file, as float32; or how many numbers its header says.

    Raises:
        PretraceError: it is not such a file, is not whole, or has NaN, an infinite number or one beyond float32.
    """
    # Not `np.load`, which also opens other formats.
    with open_file(path, missing=f"no such file; OpenAI's layout has {FILES[0]} to {FILES[-1]}") as stream:
        try:
            shape, dtype = _read_npy_header(stream)
        except Exception as error:
            raise _not_npy(path, error) from None
        if len(shape) != 1 or dtype.kind != "f":
            raise PretraceError(f"{path}: takes a one-dimensional array of floats, got {dtype} of shape {shape}")
        if header_only:
            return int(shape[0])
        try:
            array = np.lib.format.read_array(stream, allow_pickle=False)
        except Exception as error:
            raise _not_npy(path, error) from None
    with np.errstate(over="ignore"):
        numbers = array.astype(np.float32, copy=False)
    if not np.isfinite(numbers).all():
        what = "a number that float32 does not hold" if np.isfinite(array).all() else "NaN or an infinite number"
        raise PretraceError(f"{path}: has {what}; weights are finite numbers")
    return numbers


def _read_npy_header(stream: BinaryIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and type of an array, and rewind the stream.

    Raises:
        ValueError, and whatever NumPy raises: it is no array of numbers, or asks for more than the file holds.
    """
    read = np.lib.format.read_array_header_1_0
    if np.lib.format.read_magic(stream) != (1, 0):
        read = np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    size = os.fstat(stream.fileno()).st_size - stream.tell()
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > size:
        raise ValueError(f"{math.prod(shape):,} numbers are asked for, and {size:,} bytes are there")
    stream.seek(0)
    return shape, dtype


def _not_npy(path: Path, error: Exception) -> PretraceError:
    reason = " ".join(str(error).split())
    return PretraceError(f"{path}: not a whole .npy file of plain numbers ({reason}); pickles are not opened")
