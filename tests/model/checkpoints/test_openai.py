"""OpenAI's layout of GPT-1's weights: the same bytes and logits; every fault is one line."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import OpenAIGPTLMHeadModel
from transformers.models.openai.modeling_openai import load_tf_weights_in_openai_gpt

from pretrace.model import load_model
from pretrace.model.checkpoints.huggingface import write_huggingface
from pretrace.model.checkpoints.openai import write_openai
from pretrace.tokens import load_vocabulary
from tests.helpers import REPOSITORY
from tests.helpers.foreign_weights import (
    CONFIG,
    CONTEXT,
    IDS,
    LAYERS,
    SIZE,
    WIDTH,
    Opened,
    cut,
    refused,
    saved,
    written,
)

OF_A_BLOCK = {
    **{"attn/c_attn/w": [1, WIDTH, 3 * WIDTH], "attn/c_attn/b": [3 * WIDTH]},
    **{"attn/c_proj/w": [1, WIDTH, WIDTH], "attn/c_proj/b": [WIDTH]},
    **{"ln_1/g": [WIDTH], "ln_1/b": [WIDTH]},
    **{"mlp/c_fc/w": [1, WIDTH, 4 * WIDTH], "mlp/c_fc/b": [4 * WIDTH]},
    **{"mlp/c_proj/w": [1, 4 * WIDTH, WIDTH], "mlp/c_proj/b": [WIDTH]},
    **{"ln_2/g": [WIDTH], "ln_2/b": [WIDTH]},
}
"""Tensors of the release, in its order: `params_shapes.json`, with this width for 768."""


def write_release(folder: Path, seed: int = 0, names: bool = False) -> Path:
    """Random weights in OpenAI's layout, ten files cut wherever the tenths fall."""
    random = np.random.default_rng(seed)
    shapes = [[CONTEXT, WIDTH], [SIZE, WIDTH], *[shape for _ in range(LAYERS) for shape in OF_A_BLOCK.values()]]
    flat = random.normal(0, 0.1, sum(int(np.prod(shape)) for shape in shapes)).astype(np.float32)
    flat[:4] = [0.0, -0.0, 1e-42, -1e-42]
    folder.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(np.array_split(flat, 10)):
        np.save(folder / f"params_{number}.npy", part)
    (folder / "params_shapes.json").write_text(json.dumps(shapes))
    if names:
        parts = [f"model/h{number}/{part}:0" for number in range(LAYERS) for part in OF_A_BLOCK]
        (folder / "parameters_names.json").write_text(json.dumps(["model/we:0", *parts]))
    return folder


def test_openai_round_trip_has_the_same_bytes(tmp_path: Path) -> None:
    release = write_release(tmp_path / "release")
    back = written(tmp_path / "back", write_openai, load_model(release))
    for number in range(10):
        name = f"params_{number}.npy"
        assert (back / name).read_bytes() == (release / name).read_bytes()
    assert json.loads((back / "params_shapes.json").read_text()) == json.loads(
        (release / "params_shapes.json").read_text()
    )


def test_openai_via_hugging_face_has_the_same_bytes(tmp_path: Path) -> None:
    release = write_release(tmp_path / "release")
    theirs = written(tmp_path / "theirs", write_huggingface, load_model(release))
    back = written(tmp_path / "back", write_openai, load_model(theirs))
    for number in range(10):
        name = f"params_{number}.npy"
        assert (back / name).read_bytes() == (release / name).read_bytes()


def test_openai_s_layout_has_the_logits_of_transformers(tmp_path: Path) -> None:
    release = write_release(tmp_path / "release", names=True)
    theirs = OpenAIGPTLMHeadModel(CONFIG).eval()
    load_tf_weights_in_openai_gpt(theirs.transformer, CONFIG, str(release))
    theirs.tie_weights()
    with torch.no_grad():
        assert (load_model(release)(IDS) - theirs(IDS).logits).abs().max() <= 1e-5


def shapes_changed(change: Callable[[list], Any]) -> Callable[[Path], Any]:
    def apply(folder: Path) -> None:
        path = folder / "params_shapes.json"
        shapes = json.loads(path.read_text())
        change(shapes)
        path.write_text(json.dumps(shapes))

    return apply


def replaced(shapes: list, number: int, shape: Any) -> None:
    shapes[number] = shape


OPENAI_FAULTS: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "a missing file": (lambda f: (f / "params_4.npy").unlink(), ("params_4.npy: no such file",)),
    "a cut file": (lambda f: cut(f, "params_4.npy", 0.7), ("params_4.npy: not a whole .npy file",)),
    "a cut head": (lambda f: cut(f, "params_4.npy", 0.0001), ("params_4.npy: not a whole .npy file",)),
    "an empty file": (lambda f: cut(f, "params_4.npy", 0), ("params_4.npy: not a whole .npy file",)),
    "another format": (lambda f: (f / "params_4.npy").write_bytes(b"PK\3\4 zip"), ("params_4.npy", "not a whole")),
    "whole numbers": (saved(np.arange(9)), ("params_3.npy: takes a one-dimensional array of floats, got int64",)),
    "a table": (saved(np.ones((3, 3))), ("params_3.npy", "of shape (3, 3)")),
    "too few numbers": (saved(np.ones(3)), ("params_shapes.json asks for", "hold")),
    "no block": (shapes_changed(lambda s: s.clear()), ("params_shapes.json: takes a list of shapes",)),
    "a missing tensor": (shapes_changed(lambda s: s.pop()), ("takes a list of shapes", "12 tensors for each block")),
    "a shape of words": (shapes_changed(lambda s: replaced(s, 5, ["a"])), ("takes a list of shapes",)),
    "a negative size": (shapes_changed(lambda s: replaced(s, 5, [-WIDTH])), ("takes a list of shapes",)),
    "an embedding of one row": (shapes_changed(lambda s: replaced(s, 0, [CONTEXT * WIDTH])), ("first two shapes",)),
    "a wrong shape": (
        shapes_changed(lambda s: replaced(s, 2, [1, 3 * WIDTH, WIDTH])),
        ("tensor 2 (blocks.0.query_key_value.weight) has shape [1, 384, 128]", "must have shape [1, 128, 384]"),
    ),
    "tensors in another order": (shapes_changed(lambda s: s.reverse()), ("params_shapes.json",)),
    "no list": (
        lambda f: (f / "params_shapes.json").write_text("[[1, "),
        ("params_shapes.json: not a whole JSON file",),
    ),
    "embeddings of another width": (
        shapes_changed(lambda s: replaced(s, 0, [2 * CONTEXT, WIDTH // 2])),
        ("tensor 1 (token_embedding.weight) has shape [61, 128]; it must have shape [61, 64]",),
    ),
    "heads that are not 64 wide": (
        shapes_changed(lambda s: replaced(s, 0, [CONTEXT * 2 * 2, WIDTH // 4])),
        ("params_shapes.json: width 32 is not a multiple of 64",),
    ),
    "a context of four": (
        shapes_changed(lambda s: replaced(s, 0, [4, CONTEXT * WIDTH // 4])),
        ("params_shapes.json: not sizes of a GPT-1", "context"),
    ),
}


@pytest.mark.parametrize("fault", OPENAI_FAULTS)
def test_faults_in_openai_s_layout_are_named(tmp_path: Path, fault: str) -> None:
    release = write_release(tmp_path / "release")
    change, expected = OPENAI_FAULTS[fault]
    change(release)
    refused(release, *expected)


@pytest.mark.parametrize("form", ["array of objects", "plain pickle"])
def test_pickle_in_openai_s_layout_is_never_opened(tmp_path: Path, form: str) -> None:
    release = write_release(tmp_path / "release")
    trace, path = tmp_path / "opened", release / "params_7.npy"
    if form == "plain pickle":
        path.write_bytes(pickle.dumps(Opened(trace)))
    else:
        np.save(path, np.array([Opened(trace)], dtype=object), allow_pickle=True)
    refused(release, "params_7.npy: not a whole .npy file of plain numbers", "pickles are not opened")
    assert not trace.exists()
    np.load(path, allow_pickle=True)  # this is what it would have done
    assert trace.exists()


def test_released_weights_load() -> None:
    """With PRETRACE_GPT1, or in ../shared/gpt1: OpenAI's `model/` folder, or Hugging Face's `openai-gpt`."""
    folder = Path(os.environ.get("PRETRACE_GPT1") or REPOSITORY.parent / "shared" / "gpt1")
    if not folder.is_dir():
        pytest.skip("needs GPT-1's released weights: name their folder in PRETRACE_GPT1")
    model, vocabulary = load_model(folder), load_vocabulary(folder)
    assert sum(parameter.numel() for parameter in model.parameters()) == 116_534_784
    assert vocabulary.size == 40_478
    text = """She opened the door and looked out into the garden. It had been raining all night, and the path was wet.
    "Are you coming?" he asked, and held out his hand. She did not know what to say, so she said nothing at all."""
    ids = torch.tensor([vocabulary.encode(" ".join(text.split()))])
    with torch.no_grad():
        loss = F.cross_entropy(model(ids)[0, :-1], ids[0, 1:])
    assert loss.exp() < 60
