"""Hugging Face's GPT-2 and BERT: every form of their files is read, and written as transformers writes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    GPT2Model,
    PreTrainedModel,
)

from pretrace.model import load_model
from pretrace.model.checkpoints.huggingface import write_huggingface
from tests.helpers.foreign_weights import refused, written

SIZE, CONTEXT = 61, 16
IDS = torch.randint(SIZE, (2, CONTEXT), generator=torch.Generator().manual_seed(0))
GPT2 = {
    "vocab_size": SIZE,
    "n_positions": CONTEXT,
    "n_embd": 48,
    "n_layer": 2,
    "n_head": 3,
    "activation_function": "gelu",
}
BERT = {
    **{"vocab_size": SIZE, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3},
    **{"intermediate_size": 80, "max_position_embeddings": CONTEXT, "hidden_act": "relu"},
}
CLASSES: dict[str, tuple[type, Any]] = {
    "GPT2LMHeadModel": (GPT2LMHeadModel, GPT2Config(**GPT2)),
    "GPT2LMHeadModel, n_inner": (GPT2LMHeadModel, GPT2Config(**GPT2, n_inner=64)),
    "GPT2Model": (GPT2Model, GPT2Config(**GPT2)),
    "BertForPreTraining": (BertForPreTraining, BertConfig(**BERT)),
    "BertForMaskedLM": (BertForMaskedLM, BertConfig(**BERT, type_vocab_size=3)),
    "BertForNextSentencePrediction": (BertForNextSentencePrediction, BertConfig(**BERT)),
    "BertModel": (BertModel, BertConfig(**BERT)),
}


def model_of(name: str) -> PreTrainedModel:
    """Their model, random numbers everywhere."""
    kind, config = CLASSES[name]
    torch.manual_seed(0)
    model = kind(config, **({"add_pooling_layer": False} if kind is BertModel else {})).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.normal_(1.0 if "norm" in key.lower() and key.endswith("weight") else 0.0, 0.1)
        model.get_input_embeddings().weight[0, :4] = torch.tensor([0.0, -0.0, 1e-42, -1e-42])
    return model


def saved(name: str, folder: Path) -> Path:
    model_of(name).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", CLASSES)
def test_round_trip_has_the_same_bytes(name: str, tmp_path: Path) -> None:
    """Of every tensor; and of the file, if its model has a head, as transformers writes names of bare ones shorter."""
    theirs = saved(name, tmp_path / "theirs")
    ours = written(tmp_path / "ours", write_huggingface, load_model(theirs))
    before, after = (load_file(folder / "model.safetensors") for folder in (theirs, ours))
    prefix = "" if "For" in name or "LMHead" in name else "transformer." if name.startswith("GPT2") else "bert."
    assert {prefix + key: t.view(torch.int32).tolist() for key, t in before.items()} == {
        key: t.view(torch.int32).tolist() for key, t in after.items()
    }
    same_file = (theirs / "model.safetensors").read_bytes() == (ours / "model.safetensors").read_bytes()
    assert same_file == (not prefix)
    config = json.loads((ours / "config.json").read_text())
    expected = json.loads((theirs / "config.json").read_text())
    assert config["architectures"] == (["GPT2LMHeadModel"] if name == "GPT2Model" else expected["architectures"])
    changed = {key for key in config if key not in expected or config[key] != expected[key]}
    assert changed <= {
        "architectures",
        "torch_dtype",
        "n_inner",
        "tie_word_embeddings",
        "is_decoder",
        "add_cross_attention",
    }


@pytest.mark.parametrize("name", CLASSES)
def test_logits_are_those_of_transformers(name: str, tmp_path: Path) -> None:
    theirs, model = model_of(name), load_model(saved(name, tmp_path / "theirs"))
    with torch.no_grad():
        expected, h_BTC = theirs(IDS), model.hidden(IDS)
        if name in ("GPT2Model", "BertModel"):
            assert (h_BTC - expected.last_hidden_state).abs().max() <= 1e-5
        elif name == "BertForNextSentencePrediction":
            assert (model.next_sentence_logits(h_BTC[:, 0]) - expected.logits).abs().max() <= 1e-5
        else:
            logits = expected.prediction_logits if name == "BertForPreTraining" else expected.logits
            assert (model.logits(h_BTC) - logits).abs().max() <= 1e-5


def changed_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def test_older_files_are_the_same_model(tmp_path: Path) -> None:
    """GPT-2's names without `transformer.` and with masks; BERT's gamma and beta; outputs that are tied copies."""
    gpt2, bert = saved("GPT2LMHeadModel", tmp_path / "gpt2"), saved("BertForPreTraining", tmp_path / "bert")
    expected = [load_model(folder)(IDS) for folder in (gpt2, bert)]

    def older_gpt2(tensors: dict[str, torch.Tensor]) -> None:
        bare = {name.removeprefix("transformer."): tensors.pop(name) for name in list(tensors)}
        masks = {f"h.{n}.attn.bias": torch.ones(1, 1, CONTEXT, CONTEXT).tril() for n in range(2)}
        masks |= {f"h.{n}.attn.masked_bias": torch.tensor(-1e4) for n in range(2)}
        tensors.update(**bare, **masks, **{"lm_head.weight": bare["wte.weight"].clone()})

    def older_bert(tensors: dict[str, torch.Tensor]) -> None:
        for name in [name for name in tensors if "LayerNorm" in name]:
            then = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
            tensors[then] = tensors.pop(name)
        tensors["bert.embeddings.position_ids"] = torch.arange(CONTEXT)[None]
        tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"].clone()
        tensors["cls.predictions.decoder.bias"] = tensors["cls.predictions.bias"].clone()

    changed_tensors(gpt2, older_gpt2)
    changed_tensors(bert, older_bert)
    for folder, logits in zip((gpt2, bert), expected, strict=True):
        assert torch.equal(load_model(folder)(IDS), logits)


def test_parts_that_are_not_read_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bert, gpt2 = saved("BertForPreTraining", tmp_path / "bert"), saved("GPT2LMHeadModel", tmp_path / "gpt2")
    load_model(bert)
    assert capsys.readouterr().err == ""
    for name in ("weight", "bias"):
        changed_tensors(bert, lambda tensors, name=name: tensors.pop(f"cls.seq_relationship.{name}"))  # type: ignore[misc]
    changed_tensors(gpt2, lambda tensors: tensors.update({"multiple_choice_head.summary.weight": torch.ones(1, 48)}))
    load_model(bert)
    load_model(gpt2)
    one, two = capsys.readouterr().err.splitlines()
    assert one.endswith("not read, as our model has no such part: bert.pooler.dense.bias, bert.pooler.dense.weight")
    assert two.endswith("no such part: multiple_choice_head.summary.weight")


FAULTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "scaled by layer": (
        "GPT2LMHeadModel",
        {"scale_attn_by_inverse_layer_idx": True},
        "config.json: scale_attn_by_inverse_layer_idx: got True; GPT-2 has False here",
    ),
    "an output of its own": ("GPT2LMHeadModel", {"tie_word_embeddings": False}, "tie_word_embeddings: got False"),
    "another activation": (
        "GPT2LMHeadModel",
        {"activation_function": "silu"},
        "activation_function: got 'silu'; takes 'gelu_new', 'gelu_pytorch_tanh', 'gelu', 'relu'",
    ),
    "an activation in a list": ("BertForMaskedLM", {"hidden_act": ["gelu"]}, "hidden_act: got ['gelu']; takes 'gelu'"),
    "relative positions": (
        "BertForMaskedLM",
        {"position_embedding_type": "relative_key"},
        "position_embedding_type: got 'relative_key'; BERT has 'absolute' here",
    ),
    "a decoder": ("BertForMaskedLM", {"is_decoder": True}, "is_decoder: got True; BERT has False here"),
    "no segments": ("BertForMaskedLM", {"type_vocab_size": 0}, "type_vocab_size: got 0; takes a whole number from 1"),
    "an epsilon in words": ("BertForMaskedLM", {"layer_norm_eps": "small"}, "not sizes of a BERT"),
    "more segments": (
        "BertForMaskedLM",
        {"type_vocab_size": 5},
        "tensor bert.embeddings.token_type_embeddings.weight has shape (3, 48); it must have shape (5, 48)",
    ),
    "another inner width": ("GPT2LMHeadModel", {"n_inner": 7}, "mlp.c_fc.weight has shape (48, 192); it must"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_our_model_has_not_is_refused_by_key_and_value(fault: str, tmp_path: Path) -> None:
    name, values, expected = FAULTS[fault]
    folder = saved(name, tmp_path / "theirs")
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    refused(folder, expected)


@pytest.mark.parametrize("part", ["query", "key", "value"])
def test_a_third_of_the_attention_that_is_missing_is_named(part: str, tmp_path: Path) -> None:
    folder = saved("BertForMaskedLM", tmp_path / "theirs")
    name = f"bert.encoder.layer.1.attention.self.{part}.bias"
    changed_tensors(folder, lambda tensors: tensors.pop(name))
    refused(folder, f"tensor {name} is missing; it must have shape (48,)")


def test_a_bias_that_is_not_the_outputs_is_refused(tmp_path: Path) -> None:
    folder = saved("BertForMaskedLM", tmp_path / "theirs")
    changed_tensors(folder, lambda tensors: tensors.update({"cls.predictions.decoder.bias": torch.ones(SIZE)}))
    refused(folder, "tensor cls.predictions.decoder.bias is not cls.predictions.bias; BERT has them tied")
