"""With GPT-2's settings our transformer is transformers' GPT-2; banded, it has the mask of its GPT-Neo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2LMHeadModel, GPTNeoConfig, GPTNeoForCausalLM

from pretrace.model import Transformer
from pretrace.model.checkpoints.huggingface import write_huggingface
from pretrace.settings import ModelSettings
from pretrace.training.engine.device import Device
from pretrace.training.objectives import MicroBatch
from pretrace.training.objectives.causal_lm import CausalLM
from tests.helpers.decoding import one_by_one
from tests.helpers.parity import GPT_BLOCK, draw, gradients

GPT2 = {"norm": "pre", "position_std": 0.01, "residual_init": "depth"}
WHOLE = {"token_embedding": "wte", "position_embedding": "wpe", "final_norm": "ln_f"}
SIZES = {
    124_439_808: (12, 768, 12),
    354_823_168: (24, 1024, 16),
    774_030_080: (36, 1280, 20),
    1_557_611_200: (48, 1600, 25),
}
"""Layers, width and heads of the four released models, by their parameters."""
SMALL = (12, 768, 12, 1024, 50_257)
TOLERANCE = 1e-4


def settings_of(layers: int, width: int, heads: int, context: int, **others: Any) -> ModelSettings:
    return ModelSettings(
        **{"layers": layers, "width": width, "heads": heads, "feed_forward": 4 * width, "context": context},
        **{"dropout": 0.0, "embedding_dropout": "sum", "initial_std": 0.02} | GPT2 | others,
    )


def gpt2(ours: Transformer, folder: Path) -> GPT2LMHeadModel:
    """Transformers' model with the weights of ours."""
    write_huggingface(folder, ours)
    return GPT2LMHeadModel.from_pretrained(folder, attn_implementation="eager").eval()


@pytest.mark.parametrize("size", SIZES)
def test_parameters_of_the_released_sizes(size: int) -> None:
    with torch.device("meta"):
        model = Transformer(settings_of(*SIZES[size], 1024), 50_257)
    assert sum(parameter.numel() for parameter in model.parameters()) == size


@pytest.mark.parametrize("sizes", [(3, 64, 4, 32, 90), pytest.param(SMALL, marks=pytest.mark.slow)])
def test_logits_loss_and_gradients_match_transformers(sizes: tuple[int, ...], tmp_path: Path) -> None:
    *model_sizes, size = sizes
    ours = Transformer(settings_of(*model_sizes), size)
    draw(ours, seed=1)
    theirs = gpt2(ours, tmp_path)
    ids = torch.randint(size, (2, 32), generator=torch.Generator().manual_seed(2))
    expected = theirs(ids, labels=ids)
    with torch.no_grad():
        logits = ours(ids)
        cached = one_by_one(ours, ids[0, :19].tolist())
    assert 0.5 < expected.logits.std() < 20
    assert (logits - expected.logits).abs().max() <= TOLERANCE
    assert (cached - expected.logits[0, :19]).abs().max() <= TOLERANCE
    loss = CausalLM().loss(ours, MicroBatch(ids, range(2), 2, seed=0, step=0), 0.0, Device("cpu", torch.float32, ""))
    assert (loss - expected.loss).abs() <= TOLERANCE
    loss.backward()
    expected.loss.backward()
    for name, own, other in gradients(ours, theirs):
        assert (own - other).abs().max() <= TOLERANCE * other.abs().max(), name


def test_initial_weights_have_gpt2s_spreads() -> None:
    model = Transformer(settings_of(8, 256, 4, 512), 500, seed=3)
    spreads = {name: float(p.detach().std()) for name, p in model.named_parameters() if p.dim() == 2}
    for name, spread in spreads.items():
        depth = name.endswith(("attention_output.weight", "feed_forward_out.weight"))
        expected = 0.01 if name.startswith("position") else 0.02 / 4 if depth else 0.02
        assert spread == pytest.approx(expected, rel=0.05), name


def test_band_is_that_of_gpt_neo() -> None:
    """Their attention has no 1/sqrt(D) and no biases of queries, keys and values."""
    width, heads, window = 32, 4, 5
    ours = Transformer(settings_of(4, width, heads, 24, attention="banded", window=window), 60)
    draw(ours, seed=4)
    config = GPTNeoConfig(
        **{"vocab_size": 60, "max_position_embeddings": 24, "hidden_size": width, "num_layers": 4, "num_heads": heads},
        **{"attention_types": [[["global", "local"], 2]], "window_size": window, "intermediate_size": 4 * width},
        **dict.fromkeys(("resid_dropout", "embed_dropout", "attention_dropout"), 0.0),
    )
    theirs = GPTNeoForCausalLM(config).eval()
    with torch.no_grad():
        for name, parameter in ours.named_parameters():
            if name.endswith("query_key_value.bias"):
                parameter.zero_()
                continue
            _, layer, part, kind = name.split(".") if name.startswith("blocks") else ("", "", *name.split("."))
            block = theirs.transformer.h[int(layer)] if layer else None
            if part == "query_key_value":
                attention = block.attn.attention
                q, k, v = parameter.chunk(3)
                attention.q_proj.weight.copy_(q / (width // heads) ** 0.5)
                attention.k_proj.weight.copy_(k)
                attention.v_proj.weight.copy_(v)
            elif block is None:
                getattr(getattr(theirs.transformer, WHOLE[part]), kind).copy_(parameter)
            else:
                path = {"attention_output": "attn.attention.out_proj"}.get(part, GPT_BLOCK[part])
                getattr(block.get_submodule(path), kind).copy_(parameter)
    ids = torch.randint(60, (2, 24), generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        logits = ours(ids)
        assert (logits - theirs(ids).logits).abs().max() <= TOLERANCE
        assert (one_by_one(ours, ids[0, :10].tolist(), first=9) - logits[0, 8:10]).abs().max() <= TOLERANCE


def test_a_token_outside_of_the_band_changes_nothing() -> None:
    """All layers but the first are seen through a band; the first is dense, so it is made banded here."""
    ours = Transformer(settings_of(2, 16, 2, 24, attention="banded", window=4), 60)
    draw(ours, seed=6)
    ours.blocks[0].span = ours.blocks[1].span
    ids = torch.randint(60, (1, 24), generator=torch.Generator().manual_seed(7))
    other = ids.clone()
    other[0, 3] = (ids[0, 3] + 1) % 60
    with torch.no_grad():
        changed = (ours(ids) != ours(other)).any(-1)[0].tolist()
    assert changed == [3 <= place <= 3 + 2 * (4 - 1) for place in range(24)]
