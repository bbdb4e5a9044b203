"""Weights of others: floating point only, finite, each tensor once; refused by name before the model has its memory."""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from pretrace.common.errors import PretraceError
from pretrace.model import Transformer, load_model, save_model
from pretrace.model.checkpoints.huggingface import write_huggingface
from pretrace.model.checkpoints.openai import write_openai
from pretrace.model.checkpoints.safetensors_file import load_weights
from pretrace.settings import ModelSettings
from tests.helpers.odd_files import ODD_FILES

SETTINGS = ModelSettings(
    **{"layers": 2, "width": 64, "heads": 1, "feed_forward": 256, "context": 8},
    **{"dropout": 0.1, "embedding_dropout": "table", "initial_std": 0.02},
)
WRITERS: dict[str, Callable[[Path, Any], None]] = {
    "own": save_model,
    "huggingface": write_huggingface,
    "openai": write_openai,
}
FILES = {"own": "model.safetensors", "huggingface": "model.safetensors", "openai": "params_3.npy"}
ALMOST = 3.4028235e38
"""The largest number of float32."""


@pytest.fixture(params=WRITERS)
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    WRITERS[request.param](tmp_path, Transformer(SETTINGS, 20, seed=3))
    return request.param


def changed(folder: Path, layout: str, change: Callable[[torch.Tensor], torch.Tensor]) -> str:
    """Change one tensor or one array; return how it is named."""
    path = folder / FILES[layout]
    if layout == "openai":
        np.save(path, change(torch.from_numpy(np.load(path))).numpy())
        return FILES[layout]
    tensors = load_file(path)
    name = next(name for name in sorted(tensors) if name.endswith("bias"))
    tensors[name] = change(tensors[name])
    save_file(tensors, path)
    return f"tensor {name}"


def said(folder: Path) -> str:
    with pytest.raises(PretraceError) as error:
        load_model(folder)
    text = str(error.value)
    assert text.startswith(str(folder)) and text.isprintable()
    return text


def set_first(value: float, kind: torch.dtype) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        tensor = tensor.to(kind).clone()
        tensor.view(-1)[0] = value
        return tensor

    return change


@pytest.mark.parametrize("kind", ["int64", "int32", "int16", "int8", "uint8", "bool", "complex64", "float8_e4m3fn"])
def test_tensor_of_whole_numbers_is_refused_by_name(layout: str, tmp_path: Path, kind: str) -> None:
    if layout == "openai" and kind == "float8_e4m3fn":
        pytest.skip("NumPy has no such type")
    name = changed(tmp_path, layout, lambda tensor: (tensor * 100).to(getattr(torch, kind)))
    text = said(tmp_path)
    assert name in text and ("takes F32" in text or "array of floats, got" in text)


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_number_that_is_not_finite_is_refused_by_name(layout: str, tmp_path: Path, kind: str, value: float) -> None:
    name = changed(tmp_path, layout, set_first(value, getattr(torch, kind)))
    text = said(tmp_path)
    assert name.removeprefix("tensor ") in text and "has NaN or an infinite number; weights are finite" in text


def test_number_beyond_float32_is_refused_by_name(layout: str, tmp_path: Path) -> None:
    name = changed(tmp_path, layout, set_first(1e39, torch.float64))
    text = said(tmp_path)
    assert name.removeprefix("tensor ") in text and "has a number that float32 does not hold" in text


@given(value=st.floats(-ALMOST, ALMOST), kind=st.sampled_from(["float16", "bfloat16", "float32", "float64"]))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_floating_point_of_any_width_is_read(tmp_path: Path, value: float, kind: str) -> None:
    layer = torch.nn.Linear(2, 2)
    tensors = {name: p.detach().to(getattr(torch, kind)) for name, p in layer.named_parameters()}
    tensors["bias"][0] = torch.tensor(value, dtype=torch.float64)
    save_file(tensors, tmp_path / "a.safetensors")
    if not tensors["bias"].isfinite().all():
        with pytest.raises(PretraceError, match="tensor bias has NaN or an infinite number"):
            load_weights(layer, tmp_path / "a.safetensors")
        return
    load_weights(layer, tmp_path / "a.safetensors")
    assert torch.equal(layer.bias, tensors["bias"].float())


@pytest.mark.parametrize("layout", ["own", "huggingface"], indirect=True)
@pytest.mark.parametrize("again", ["same", "other"])
def test_tensor_that_is_there_twice_is_refused_by_name(layout: str, tmp_path: Path, again: str) -> None:
    path = tmp_path / FILES[layout]
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])
    name = min(name for name in header if name != "__metadata__")
    other = header[name] if again == "same" else {**header[name], "dtype": "I32"}
    text = (json.dumps(header)[:-1] + f", {json.dumps(name)}: {json.dumps(other)}}}").encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + size :])
    assert f"{FILES[layout]}: tensor {name} is there twice" in said(tmp_path)


@pytest.mark.parametrize("kind", ODD_FILES)
def test_weights_that_are_no_whole_file_are_refused_at_once(layout: str, tmp_path: Path, kind: str) -> None:
    path = tmp_path / FILES[layout]
    path.unlink()
    ODD_FILES[kind].make(path)
    assert f"{FILES[layout]}: {ODD_FILES[kind].said or 'a file of holes'}" in said(tmp_path)


def test_sparse_weights_with_a_fitting_header_are_refused(tmp_path: Path) -> None:
    """The header asks for what the sizes ask for, and nothing of it is on disk."""
    settings = SETTINGS.model_copy(update={"width": 8192, "feed_forward": 32768})
    with torch.device("meta"):
        model = Transformer(settings, 20)
    save_model(tmp_path, Transformer(SETTINGS, 20))
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"settings": settings.model_dump()}))
    header, end = {}, 0
    for name, parameter in model.named_parameters():
        begin, end = end, end + 4 * parameter.numel()
        header[name] = {"dtype": "F32", "shape": list(parameter.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    os.truncate(path, 8 + len(text) + end)
    assert re.search(r"model\.safetensors: a file of holes \(6\.\d GB, of which \d+ kB are on disk\)", said(tmp_path))


def test_weights_in_several_files_are_refused(tmp_path: Path) -> None:
    write_huggingface(tmp_path, Transformer(SETTINGS, 20))
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    assert "model.safetensors: no such file; weights in several files (model.safetensors.index.json) are" in said(
        tmp_path
    )


def test_many_layers_beside_few_tensors_are_refused(tmp_path: Path) -> None:
    save_model(tmp_path, Transformer(SETTINGS, 20))
    config = json.loads((tmp_path / "config.json").read_text())
    config["settings"]["layers"] = 1000
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert "model.safetensors: 26 tensors are too few for the 1,000 layers of" in said(tmp_path)
