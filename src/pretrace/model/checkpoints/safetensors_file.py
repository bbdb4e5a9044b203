"""Write a module's parameters as safetensors and read them back, naming every mismatch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pretrace.common.errors import PretraceError

BYTES_PER_NUMBER = 2
"""At least, in any format of such weights."""


def save_tensors(path: Path, module: nn.Module) -> None:
    """Write a module's parameters under their names."""
    save_file({name: p.detach().cpu().contiguous() for name, p in module.named_parameters()}, path)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file, by name.

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
    """Raise `PretraceError` if a file of weights is too small for the model that `make` returns.

    Allocates nothing: a config of a few bytes may ask for more memory than there is.
    """
    if not path.is_file():
        return  # `read_tensors` raises for it
    with torch.device("meta"):
        numbers = sum(parameter.numel() for parameter in make().parameters())
    if path.stat().st_size < BYTES_PER_NUMBER * numbers:
        size = path.stat().st_size
        raise PretraceError(
            f"{path}: not a whole safetensors file ({size:,} bytes are too few for the {numbers:,} numbers that its "
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
    """Copy tensors into a module's parameters; none may be missing or left over.

    Args:
        path: of the file, for errors.
        name_of: from a parameter's name to the tensor's.
        turned: transposes a tensor between the file's layout and the parameter's; its own inverse.

    Raises:
        PretraceError: a tensor is missing, has another shape, or matches no parameter.
    """
    left = dict(tensors)
    for name, parameter in module.named_parameters():
        tensor = left.pop(name_of(name), None)
        shape = tuple(turned(name, parameter).shape)
        if tensor is None or tuple(tensor.shape) != shape:
            problem = "is missing" if tensor is None else f"has shape {tuple(tensor.shape)}"
            raise PretraceError(f"{path}: tensor {name_of(name)} {problem}; it must have shape {shape}")
        parameter.copy_(turned(name, tensor))
    if left:
        raise PretraceError(f"{path}: tensor {sorted(left)[0]} belongs to no part of this model")
