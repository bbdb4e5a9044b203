"""A model as a graph that runs without pretrace: ONNX, for onnxruntime and others, and TorchScript, for libtorch.

Both are traced from the plain form, with any number of sequences of any length up to the context. ONNX goes by
PyTorch's older exporter: the newer one gives the same graph here, in 5 to 9 s of computing instead of 0.3, and needs
three packages more.
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
"""Of ONNX: has a layer norm, and is read by onnxruntime since 1.14."""
FILES = {"onnx": "model.onnx", "torchscript": "model.pt"}


@dataclass(frozen=True)
class Graph:
    """What is traced: a module, an example of what it takes, and names for its axes."""

    module: nn.Module
    inputs: dict[str, Tensor]
    output: str
    axes: dict[str, tuple[str, ...]]
    """Names of the axes that may differ, of each input and of the output, from the first one on."""


def write_graph(folder: Path, form: str, graph: Graph) -> None:
    """Write a graph of a form of `FILES` into an existing folder.

    Raises:
        PretraceError: the package `onnx` is not installed.
    """
    if form == "onnx" and find_spec("onnx") is None:
        raise PretraceError("the form onnx needs a package: pip install onnx, in the version of requirements.txt")
    arguments, path = tuple(graph.inputs.values()), str(folder / FILES[form])
    module = graph.module.eval().requires_grad_(False)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecation; and that shapes are constants, which the tests know better
        if form == "torchscript":
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
