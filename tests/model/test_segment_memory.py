"""Transformer-XL against transformers' own, and two segments with memory against one long one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers.models.deprecated.transfo_xl import TransfoXLConfig, TransfoXLLMHeadModel

from pretrace.model import Transformer
from pretrace.model.kernels.relative_attention import shifted
from pretrace.model.segment_memory import read_segment
from pretrace.settings import ModelSettings
from pretrace.training.engine.device import Device
from pretrace.training.objectives import Memory, MicroBatch
from pretrace.training.objectives.in_order import InOrder
from tests.helpers.parity import draw

V, LAYERS, WIDTH, HEADS, SEGMENT = 60, 3, 32, 4, 6
XL = {
    **{"positions": "relative", "memory_share": 0.5, "activation": "relu", "attention_bias": False},
    **{"embedding_scale": "sqrt_width", "output": "tied_bias"},
}
NAMES = {
    "query_key_value.weight": "dec_attn.qkv_net.weight",
    "attention_output.weight": "dec_attn.o_net.weight",
    "distance_projection.weight": "dec_attn.r_net.weight",
    "content_bias": "dec_attn.r_w_bias",
    "distance_bias": "dec_attn.r_r_bias",
    **{f"norm_1.{kind}": f"dec_attn.layer_norm.{kind}" for kind in ("weight", "bias")},
    **{f"feed_forward_in.{kind}": f"pos_ff.CoreNet.0.{kind}" for kind in ("weight", "bias")},
    **{f"feed_forward_out.{kind}": f"pos_ff.CoreNet.3.{kind}" for kind in ("weight", "bias")},
    **{f"norm_2.{kind}": f"pos_ff.layer_norm.{kind}" for kind in ("weight", "bias")},
}
"""Names in transformers' Transformer-XL of the parts of a block."""
TOLERANCE = 1e-5


def xl(**changes: Any) -> Transformer:
    sizes = {"layers": LAYERS, "width": WIDTH, "heads": HEADS, "feed_forward": 48, "context": 2 * SEGMENT}
    settings = {"dropout": 0.0, "embedding_dropout": "sum", "initial_std": 0.1}
    model = Transformer(ModelSettings(**{**sizes, **settings, **XL, **changes}), V)
    draw(model, seed=1)
    return model


def ids(rows: int = 3, length: int = SEGMENT, seed: int = 0) -> Tensor:
    return torch.randint(V, (rows, length), generator=torch.Generator().manual_seed(seed))


def theirs_of(model: Transformer, pre_norm: bool, monkeypatch: pytest.MonkeyPatch) -> TransfoXLLMHeadModel:
    """Their model with the weights of ours; one of their calls is wrong (huggingface/transformers#29650)."""
    type_as = Tensor.type_as
    monkeypatch.setattr(
        Tensor, "type_as", lambda x, other=None, dtype=None: x.to(dtype) if dtype else type_as(x, other)
    )
    settings = model.settings
    config = TransfoXLConfig(
        **{"vocab_size": V, "cutoffs": [], "div_val": 1, "d_model": WIDTH, "d_embed": WIDTH, "n_head": HEADS},
        **{"d_head": WIDTH // HEADS, "d_inner": settings.feed_forward, "n_layer": LAYERS, "mem_len": settings.memory},
        **{"clamp_len": -1, "same_length": False, "dropout": 0.0, "dropatt": 0.0, "pre_lnorm": pre_norm},
    )
    theirs = TransfoXLLMHeadModel(config).eval()
    for name, parameter in renamed(theirs, model):
        parameter.data.copy_(dict(model.named_parameters())[name].data)
    return theirs


def renamed(theirs: TransfoXLLMHeadModel, ours: Transformer) -> list[tuple[str, torch.nn.Parameter]]:
    """Their parameters by our names; all of ours are met."""
    found = [
        ("token_embedding.weight", theirs.crit.out_layers[0].weight),
        ("output_bias", theirs.crit.out_layers[0].bias),
    ]
    for number, layer in enumerate(theirs.transformer.layers):
        parameters = dict(layer.named_parameters())
        found += [(f"blocks.{number}.{own}", parameters[other]) for own, other in NAMES.items()]
    left = {name for name, _ in ours.named_parameters()} - {name for name, _ in found}
    assert left <= {"final_norm.weight", "final_norm.bias"}  # with norms first, which theirs lacks at the end
    return found


@torch.no_grad()
@pytest.mark.parametrize("norm", ["post", "pre"])
def test_segments_in_order_match_transformers(norm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Theirs begins with a memory of zeros, which are attended to; so does ours, given them."""
    ours = xl(norm=norm)
    theirs = theirs_of(ours, norm == "pre", monkeypatch)
    memory, mems = torch.zeros(LAYERS, 3, SEGMENT, WIDTH), None
    for seed in range(3):
        x_BTC, memory = read_segment(ours, ids(seed=seed), memory, SEGMENT)
        expected = theirs.transformer(ids(seed=seed), mems=mems)
        mems = expected.mems
        if norm == "pre":
            expected.last_hidden_state = ours.final_norm(expected.last_hidden_state)
        assert (x_BTC - expected.last_hidden_state).abs().max() <= TOLERANCE
        for own, other in zip(memory, mems, strict=True):
            assert (own - other.transpose(0, 1)).abs().max() <= TOLERANCE
    if norm == "post":
        predicted = theirs(ids(seed=3), mems=mems).logits
        x_BTC, _ = read_segment(ours, ids(seed=3), memory, SEGMENT)
        assert predicted.std() > 0.5
        assert (ours.logits(x_BTC).log_softmax(-1) - predicted).abs().max() <= TOLERANCE


def test_loss_and_gradients_match_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = xl()
    theirs = theirs_of(ours, False, monkeypatch)
    with torch.no_grad():
        _, memory = read_segment(ours, ids(seed=5), torch.zeros(LAYERS, 3, SEGMENT, WIDTH), SEGMENT)
        mems = theirs.transformer(ids(seed=5)).mems
    read = ids(length=SEGMENT + 1)
    kept: list[Tensor] = []
    batch = MicroBatch(read, range(3), 3, seed=0, step=0, memory=Memory(memory, kept.append))
    loss = InOrder(ours.settings).loss(ours, batch, 0.0, Device("cpu", torch.float32, ""))
    loss.backward()
    assert len(kept) == 1 and not kept[0].requires_grad
    expected = -theirs(read[:, :-1], mems=mems).logits.gather(2, read[:, 1:, None]).mean()
    expected.backward()
    assert abs(float(loss - expected)) <= TOLERANCE
    for name, other in renamed(theirs, ours):
        own = dict(ours.named_parameters())[name].grad
        assert own is not None and other.grad is not None
        assert (own - other.grad).abs().max() <= TOLERANCE * max(1.0, float(other.grad.abs().max())), name


@torch.no_grad()
def test_two_segments_are_one_long_one_with_the_mask_of_what_each_saw() -> None:
    """Memory of two segments is cut to one, so the third sees the second; by one attention over all three."""
    model = xl(layers=1)
    parts = [ids(seed=seed) for seed in range(3)]
    memory, states = None, []
    for part in parts:
        x_BTC, memory = read_segment(model, part, memory, SEGMENT)
        states.append(x_BTC)
    whole = model.embedded(torch.cat(parts, 1))
    T = 3 * SEGMENT
    first_T = (torch.arange(T) // SEGMENT - 1).clamp(min=0) * SEGMENT  # the first token that each saw
    places_T = torch.arange(T)
    seen_TT = (places_T[None] <= places_T[:, None]) & (places_T[None] >= first_T[:, None])
    expected = plain_block(model, whole, seen_TT)
    assert (torch.cat(states, 1) - expected).abs().max() <= TOLERANCE


@torch.no_grad()
def test_segments_are_one_long_one_if_memory_holds_all() -> None:
    """In every layer: what a token saw is then all before it, and no state depends on where segments end."""
    model = xl()
    parts = [ids(seed=0), ids(length=2, seed=1), ids(length=9, seed=2)]
    memory, states = None, []
    for part in parts:
        x_BTC, memory = read_segment(model, part, memory, 1000)
        states.append(x_BTC)
    whole = torch.cat(parts, 1)
    assert (torch.cat(states, 1) - model.hidden(whole)).abs().max() <= TOLERANCE
    assert memory is not None and memory.shape == (LAYERS, 3, 17, WIDTH)


def plain_block(model: Transformer, x_BTC: Tensor, seen_TT: Tensor) -> Tensor:
    """The only block, by the paper's formula: a score for each pair of a query and a key."""
    (block,) = model.blocks
    B, T, C = x_BTC.shape
    q, k, v = (x.view(B, T, HEADS, -1) for x in block.query_key_value(x_BTC).chunk(3, -1))
    vectors = torch.stack(
        [torch.cat([torch.sin(angle), torch.cos(angle)]) for d in range(T) for angle in [d * frequencies(C)]]
    )
    r = block.distance_projection(vectors).view(T, HEADS, -1)
    scores = torch.full((B, HEADS, T, T), -torch.inf)
    for i, j in seen_TT.nonzero().tolist():
        by_content = ((q[:, i] + block.content_bias) * k[:, j]).sum(-1)
        by_distance = ((q[:, i] + block.distance_bias) * r[i - j]).sum(-1)
        scores[:, :, i, j] = (by_content + by_distance) / (C // HEADS) ** 0.5
    a_BTC = torch.einsum("bhij,bjhd->bihd", scores.softmax(-1), v).reshape(B, T, C)
    x_BTC = block.norm_1(x_BTC + block.attention_output(a_BTC))
    return block.norm_2(x_BTC + block.feed_forward_out(block.feed_forward_in(x_BTC).relu()))


def frequencies(width: int) -> Tensor:
    return torch.tensor([10_000 ** (-i / width) for i in range(0, width, 2)])


@torch.no_grad()
def test_memory_reaches_back_a_segment_a_layer_and_no_farther() -> None:
    model = xl(layers=2)
    for changed, differs in ((0, False), (1, True), (2, True)):
        outputs = []
        for other in (False, True):
            memory = None
            for number in range(4):
                read = ids(seed=number + 10 * (other and number == changed))
                x_BTC, memory = read_segment(model, read, memory, SEGMENT)
            outputs.append(x_BTC)
        assert (not torch.equal(*outputs)) == differs


@torch.no_grad()
def test_longer_memory_than_in_training_reads_farther_back() -> None:
    model = xl()
    _, memory = read_segment(model, ids(length=40), None, 30)
    assert memory.shape[2] == 30
    other = memory.clone()
    other[:, :, 0] += 1.0
    assert not torch.equal(read_segment(model, ids(), memory, 30)[0], read_segment(model, ids(), other, 30)[0])


def test_shift_brings_each_distance_to_its_key() -> None:
    T, K = 3, 5
    by_distance = torch.arange(K - 1, -1, -1).expand(1, 1, T, K)
    moved = shifted(by_distance.float())[0, 0]
    for i in range(T):
        for j in range(K - T + i + 1):
            assert moved[i, j] == K - T + i - j


@torch.no_grad()
def test_padding_and_packing_change_no_state() -> None:
    """Reading not in order has no memory, and a state depends on nothing behind it."""
    model = xl()
    read = ids()
    assert torch.allclose(model.hidden(torch.cat([read, ids(seed=1)], 1))[:, :SEGMENT], model.hidden(read), atol=1e-6)
    *_, last = model.layer_states(read)
    assert torch.equal(last, model.hidden(read))
    assert torch.allclose(model.traceable_hidden(read), model.hidden(read), atol=1e-5)
    assert not model.shares_beginnings
    decoder, texts = model.decoder(2, 20), [read[0].tolist(), read[1, :4].tolist()]
    assert model.decoder_bytes(20) == 0
    decoder.read([0, 1], texts)
    grown = decoder.step([3, 5])
    assert torch.allclose(grown[1], model(torch.tensor([[*texts[1], 5]]))[0, -1], atol=1e-5)


def test_flops_count_keys_of_memory_and_distances() -> None:
    model, lengths = xl(), np.array([SEGMENT])
    without = 6 * WIDTH * LAYERS * SEGMENT**2 / 2
    assert model.attention_flops(lengths) == without
    more = 6 * WIDTH * SEGMENT * SEGMENT + 4 * WIDTH**2 * SEGMENT  # pairs, and keys and values
    assert model.attention_flops(lengths, SEGMENT) == without + LAYERS * more
    names = [name for name, p in model.named_parameters() if p.dim() > 1]
    weights = sum(p.numel() for name, p in model.named_parameters() if p.dim() > 1 and "dista" not in name)
    assert any("distance_projection" in name for name in names)
    assert model.multiplied_weights() == weights - LAYERS * WIDTH  # nor are the vectors of contents
