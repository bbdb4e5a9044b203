"""Write a module's parameters as safetensors and read them back, naming every mismatch.

A file of weights may come from anyone. Its header, which says what is in it, is compared with the model before anything
of the model's size is allocated: every tensor must be there once, in floating point, with the shape of its parameter.
Then the tensors are copied one by one, and each number must be finite.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pretrace.common.errors import PretraceError
from pretrace.common.files import NO_OUTPUT
from pretrace.common.open_file import open_file

HEADER_BYTES = 4 << 20
"""Of the header; that of GPT-1 has 14 kB."""
LENGTH_BYTES = 8
METADATA = "__metadata__"
FLOATS = ("F32", "F16", "BF16", "F64")
"""Types of weights, as the format calls them; others (whole numbers, 8 bits) need a scale that the file has not."""
Module = TypeVar("Module", bound=nn.Module)


class Stored(NamedTuple):
    """A tensor as the header describes it."""

    type: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class FileLayout:
    """Names and form in which a file stores the parameters of a module."""

    names_of: Callable[[str], tuple[str, ...]] = lambda name: (name,)
    """From a parameter's name to the names of the tensors that, one below the other, are the parameter."""
    turned: Callable[[str, Tensor], Tensor] = lambda name, tensor: tensor
    """Transposes a tensor between the file's layout and the parameter's; its own inverse."""
    ignored: re.Pattern[str] = re.compile(r"(?!)")
    """Names of tensors that are no parameters and are not read."""

    def parts(self, name: str, parameter: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield name and form of each tensor of a parameter, as the file has them; they are views."""
        names = self.names_of(name)
        for theirs, part in zip(names, parameter.chunk(len(names)), strict=True):
            yield theirs, self.turned(name, part)


OWN = FileLayout()


def save_tensors(path: Path, module: nn.Module) -> None:
    """Write a module's parameters under their names."""
    save_file({name: p.detach().cpu().contiguous() for name, p in module.named_parameters()}, path)


class WeightsFile:
    """A safetensors file of which the header is read.

    Raises:
        PretraceError: there is none, or its header is damaged or names a tensor twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tensors: dict[str, Stored] = _read_header(path)

    def check(self, module: nn.Module, layout: FileLayout = OWN) -> None:
        """Compare the header with a module, which may be on the meta device.

        Raises:
            PretraceError: a tensor is missing, of another shape or not in floating point, or matches no parameter.
        """
        left = {name for name in self.tensors if not layout.ignored.fullmatch(name)}
        for name, part in _parts(module, layout):
            shape, stored = tuple(part.shape), self.tensors.get(name)
            if stored is None or stored.shape != shape:
                problem = "is missing" if stored is None else f"has shape {stored.shape}"
                raise PretraceError(f"{self.path}: tensor {name} {problem}; it must have shape {shape}")
            if stored.type not in FLOATS:
                raise PretraceError(f"{self.path}: tensor {name} is of type {stored.type}; takes {', '.join(FLOATS)}")
            left.discard(name)
        if left:
            raise PretraceError(f"{self.path}: tensor {min(left)} belongs to no part of this model")

    @torch.no_grad()
    def fill(self, module: nn.Module, layout: FileLayout = OWN) -> None:
        """Copy the tensors into a module's parameters.

        Raises:
            PretraceError: as `check`; or a number is NaN or infinite, or float32 does not hold it.
        """
        self.check(module, layout)
        for name, part in _parts(module, layout):
            tensor = self.read(name)
            part.copy_(tensor)
            if not _all_finite(part):
                what = "a number that float32 does not hold" if _all_finite(tensor) else "NaN or an infinite number"
                raise PretraceError(f"{self.path}: tensor {name} has {what}; weights are finite numbers")

    def read(self, name: str) -> Tensor:
        """Return a tensor. Raises `PretraceError` if the file is damaged."""
        try:
            with safe_open(self.path, "pt") as file:
                tensor: Tensor = file.get_tensor(name)
                return tensor
        except (SafetensorError, OSError, RuntimeError, ValueError) as error:
            raise _damaged(self.path, error) from None


def load_module(
    make: Callable[[], Module], layers: int, file: WeightsFile, described: Path, layout: FileLayout = OWN
) -> Module:
    """Return the module that `make` returns, with the weights of a file.

    Args:
        layers: of the module; a file has more tensors than that.
        described: the file of the module's sizes, for errors.

    Raises:
        PretraceError: as `WeightsFile.fill`, or there is no room for a module of that size.
    """
    if len(file.tensors) < layers:
        raise PretraceError(
            f"{file.path}: {len(file.tensors)} tensors are too few for the {layers:,} layers of {described}"
        )
    try:
        with torch.device("meta"):
            file.check(make(), layout)
        module = make()
    except (RuntimeError, MemoryError) as error:
        raise PretraceError(f"{described}: no room for its sizes ({' '.join(str(error).split())})") from None
    file.fill(module, layout)
    return module


def load_weights(module: nn.Module, path: Path) -> None:
    """Copy the tensors of a safetensors file into a module's parameters of the same names and shapes."""
    WeightsFile(path).fill(module)


def _parts(module: nn.Module, layout: FileLayout) -> Iterator[tuple[str, Tensor]]:
    for name, parameter in module.named_parameters():
        yield from layout.parts(name, parameter)


def _all_finite(tensor: Tensor) -> bool:
    """Return True if no number is NaN or infinite; takes no memory of the tensor's size."""
    return not tensor.numel() or all(map(math.isfinite, (float(end) for end in tensor.aminmax())))


def _read_header(path: Path) -> dict[str, Stored]:
    try:
        with open_file(path, missing=NO_OUTPUT) as stream:
            size = int.from_bytes(stream.read(LENGTH_BYTES), "little")
            if size > HEADER_BYTES:
                raise _damaged(path, f"a header of {size:,} bytes; takes up to {HEADER_BYTES:,}")
            text = stream.read(size)
        with safe_open(path, "pt"):  # checks that the header is whole, and that its tensors fill the file
            pass
        header = json.loads(text, object_pairs_hook=_without_repeats)
        return {
            name: Stored(about["dtype"], tuple(about["shape"])) for name, about in header.items() if name != METADATA
        }
    except _RepeatedError as error:
        raise PretraceError(
            f"{path}: tensor {error} is there twice; get the file again from where it is whole"
        ) from None
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(path, error) from None


class _RepeatedError(Exception):
    """A name that a header has twice."""


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        (name, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise _RepeatedError(name)
    return values


def _damaged(path: Path, said: object) -> PretraceError:
    return PretraceError(f"{path}: not a whole safetensors file ({said}); delete it and get it again")
