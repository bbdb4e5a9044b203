"""Graphs that run without pretrace: ONNX, for ONNX Runtime and others, and TorchScript, for libtorch.

Both are traced and take any number of sequences of any length up to the context. ONNX uses PyTorch's older exporter:
the newer one gives the same graph here in 5 to 9 s instead of 0.3 s, and needs three more packages.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from pretrace.common.errors import PretraceError

OPSET = 18
"""ONNX operator set: has layer norm; ONNX Runtime reads it since 1.14."""
FILES = {"onnx": "model.onnx", "torchscript": "model.pt"}


@dataclass(frozen=True)
class Graph:
    """A module to trace, example inputs, and names for the axes."""

    module: nn.Module
    inputs: dict[str, Tensor]
    output: str
    axes: dict[str, tuple[str, ...]]
    """Names of the leading, variable axes of each input and of the output."""


def write_graph(folder: Path, format: str, graph: Graph) -> None:
    """Write a graph in a format of `FILES` into an existing folder.

    Raises:
        PretraceError: the package `onnx` is not installed.
    """
    if format == "onnx" and find_spec("onnx") is None:
        raise PretraceError("the format onnx needs the package onnx: pip install it in the version of requirements.txt")
    arguments, path = tuple(graph.inputs.values()), str(folder / FILES[format])
    module = graph.module.eval().requires_grad_(False)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations, and shapes taken for constants, which the tests disprove
        if format == "torchscript":
            torch.jit.save(torch.jit.trace(module, arguments, check_trace=False), path)
            return
        torch.onnx.export(
            module,
            arguments,
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=list(graph.inputs),
            output_names=[graph.output],
            dynamic_axes={name: dict(enumerate(axes)) for name, axes in graph.axes.items()},
        )
