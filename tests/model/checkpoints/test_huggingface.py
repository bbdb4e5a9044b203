"""Hugging Face's folders of GPT-1's weights: the same bytes and logits; every fault is one line."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, OpenAIGPTConfig, OpenAIGPTLMHeadModel, OpenAIGPTModel

from pretrace.model import load_model
from pretrace.model.checkpoints.huggingface import write_huggingface
from tests.helpers.foreign_weights import CONFIG, CONTEXT, IDS, LAYERS, SIZE, WIDTH, Opened, cut, refused, written


def write_theirs(folder: Path, kind: type = OpenAIGPTLMHeadModel, seed: int = 0) -> Path:
    """A folder as transformers saves it, random numbers everywhere."""
    torch.manual_seed(seed)
    model = kind(CONFIG)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "ln_" in name and name.endswith("weight") else 0.0, 0.1)
        model.get_input_embeddings().weight[0, :4] = torch.tensor([0.0, -0.0, 1e-42, -1e-42])
    model.save_pretrained(folder)
    return folder


def bits(tensors: dict[str, torch.Tensor]) -> dict[str, list[int]]:
    return {name.removeprefix("transformer."): t.view(torch.int32).tolist() for name, t in tensors.items()}


@pytest.mark.parametrize("kind", [OpenAIGPTLMHeadModel, OpenAIGPTModel])
def test_hugging_face_round_trip_has_the_same_bytes(kind: type, tmp_path: Path) -> None:
    theirs = write_theirs(tmp_path / "theirs", kind)
    model = load_model(theirs)
    ours = written(tmp_path / "ours", write_huggingface, model)
    before, after = load_file(theirs / "model.safetensors"), load_file(ours / "model.safetensors")
    assert any(name.startswith("transformer.") for name in before) == (kind is OpenAIGPTLMHeadModel)
    assert bits(before) == bits(after)
    config = OpenAIGPTConfig.from_pretrained(ours)
    for key in ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "afn", "resid_pdrop", "embd_pdrop"):
        assert getattr(config, key) == getattr(CONFIG, key), key


def test_folder_of_transformers_has_its_logits(tmp_path: Path) -> None:
    folder = write_theirs(tmp_path / "theirs")
    with torch.no_grad():
        expected = AutoModelForCausalLM.from_pretrained(folder).eval()(IDS).logits
        assert (load_model(folder)(IDS) - expected).abs().max() <= 1e-5


def config_changed(**values: Any) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text()) | values
        (folder / "config.json").write_text(json.dumps(config))

    return apply


def tensors_changed(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors")

    return apply


PART = "transformer.h.1.mlp.c_fc.weight"
HUGGING_FACE_FAULTS: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "a missing tensor": (
        tensors_changed(lambda t: t.pop(PART)),
        ("model.safetensors", f"tensor {PART} is missing; it must have shape (128, 512)"),
    ),
    "a wrong shape": (
        tensors_changed(lambda t: t.update({PART: t[PART].T.contiguous()})),
        ("model.safetensors", f"tensor {PART} has shape (512, 128); it must have shape (128, 512)"),
    ),
    "an unknown tensor": (
        tensors_changed(lambda t: t.update({"transformer.h.2.ln_1.bias": torch.zeros(WIDTH)})),
        ("model.safetensors", "tensor transformer.h.2.ln_1.bias belongs to no part of this model"),
    ),
    "an output of its own": (
        tensors_changed(lambda t: t.update({"lm_head.weight": torch.zeros(SIZE, WIDTH)})),
        ("model.safetensors", "lm_head.weight", "tied"),
    ),
    "an output of another size": (
        tensors_changed(lambda t: t.update({"lm_head.weight": torch.zeros(SIZE + 1, WIDTH)})),
        ("lm_head.weight", "tied"),
    ),
    "a cut file": (lambda f: cut(f, "model.safetensors", 0.6), ("model.safetensors: not a whole safetensors file",)),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), ("model.safetensors: no such file",)),
    "a vocabulary of another size": (
        config_changed(vocab_size=SIZE + 3),
        ("tensor transformer.tokens_embed.weight has shape (61, 128); it must have shape (64, 128)",),
    ),
    "another model": (
        config_changed(model_type="t5"),
        ("config.json: model_type: got 't5'; takes 'openai-gpt', 'gpt2', 'bert'",),
    ),
    "another activation": (config_changed(afn="relu"), ("config.json: afn: got 'relu'; GPT-1 has 'gelu'",)),
    "another epsilon": (config_changed(layer_norm_epsilon=1e-6), ("config.json: layer_norm_epsilon: got 1e-06",)),
    "heads that do not divide": (config_changed(n_head=3), ("config.json: not sizes of a GPT-1", "heads 3")),
    "a size in words": (config_changed(n_layer="two"), ("config.json: n_layer: got 'two'; takes a whole number",)),
    "no size": (config_changed(n_embd=None), ("config.json: n_embd: got None",)),
    "a size beyond memory": (
        config_changed(vocab_size=1 << 50),
        ("config.json: vocab_size: got 1125899906842624; takes",),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", HUGGING_FACE_FAULTS)
def test_faults_in_hugging_face_s_folders_are_named(tmp_path: Path, fault: str) -> None:
    theirs = write_theirs(tmp_path / "theirs")
    change, expected = HUGGING_FACE_FAULTS[fault]
    change(theirs)
    refused(theirs, *expected)


def test_pickle_in_hugging_face_s_folder_is_never_opened(tmp_path: Path) -> None:
    theirs = write_theirs(tmp_path / "theirs")
    (theirs / "model.safetensors").unlink()
    trace = tmp_path / "opened"
    (theirs / "pytorch_model.bin").write_bytes(pickle.dumps(Opened(trace)))
    refused(theirs, "model.safetensors: no such file; pytorch_model.bin is not opened: convert it")
    assert not trace.exists()


def test_saved_output_that_is_tied_is_accepted(tmp_path: Path) -> None:
    theirs = write_theirs(tmp_path / "theirs")
    expected = load_model(theirs)(IDS)
    extra = {f"transformer.h.{n}.attn.bias": torch.ones(1, 1, CONTEXT, CONTEXT).tril() for n in range(LAYERS)}
    extra["multiple_choice_head.summary.weight"] = torch.ones(1, WIDTH)
    tensors_changed(lambda t: t.update({"lm_head.weight": t["transformer.tokens_embed.weight"].clone(), **extra}))(
        theirs
    )
    assert torch.equal(load_model(theirs)(IDS), expected)
