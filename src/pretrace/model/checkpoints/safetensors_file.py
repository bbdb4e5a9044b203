"""Tensors on disk as safetensors, and from there into a module, with every mismatch named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pretrace.common.errors import PretraceError

LEAST_BYTES = 2
"""Of a number, as anyone keeps weights of such models."""


def save_tensors(path: Path, module: nn.Module) -> None:
    """Write a module's parameters under their names."""
    save_file({name: p.detach().cpu().contiguous() for name, p in module.named_parameters()}, path)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, by name.

    Raises:
        PretraceError: the file is missing or damaged.
    """
    if not path.is_file():
        raise PretraceError(f"{path}: no such file; run the stage that writes it (`dvc repro`)")
    try:
        return load_file(path)
    except Exception as error:
        raise PretraceError(f"{path}: not a whole safetensors file ({error}); delete it and get it again") from None


def check_room(path: Path, make: Callable[[], nn.Module]) -> None:
    """Raise `PretraceError` where a file of weights is too small for the model that `make` makes of a description.

    Nothing is allocated for it: a description of a few bytes may ask for all memory there is.
    """
    if not path.is_file():
        return  # `read_tensors` says so
    with torch.device("meta"):
        numbers = sum(parameter.numel() for parameter in make().parameters())
    if path.stat().st_size < LEAST_BYTES * numbers:
        found = path.stat().st_size
        raise PretraceError(
            f"{path}: not a whole safetensors file ({found:,} bytes are too few for the {numbers:,} numbers that its "
            "description asks for); delete it and get it again"
        )


def load_weights(module: nn.Module, path: Path) -> None:
    """Copy the tensors of a safetensors file into a module's parameters of the same names and shapes."""
    fill(module, read_tensors(path), path)


@torch.no_grad()
def fill(
    module: nn.Module,
    tensors: dict[str, Tensor],
    path: Path,
    name_of: Callable[[str], str] = lambda name: name,
    turned: Callable[[str, Tensor], Tensor] = lambda name, tensor: tensor,
) -> None:
    """Copy tensors into a module's parameters; none may be missing, and none may be left.

    Args:
        path: where they are from, for the errors.
        name_of: the tensor's name of a parameter's.
        turned: a tensor brought from the file's form into the parameter's, or back: its own inverse.

    Raises:
        PretraceError: a tensor is missing, of another shape, or belongs nowhere.
    """
    left = dict(tensors)
    for name, parameter in module.named_parameters():
        tensor = left.pop(name_of(name), None)
        shape = tuple(turned(name, parameter).shape)
        if tensor is None or tuple(tensor.shape) != shape:
            found = "is missing" if tensor is None else f"has shape {tuple(tensor.shape)}"
            raise PretraceError(f"{path}: tensor {name_of(name)} {found}; it must have shape {shape}")
        parameter.copy_(turned(name, tensor))
    if left:
        raise PretraceError(f"{path}: tensor {sorted(left)[0]} belongs to no part of this model")
