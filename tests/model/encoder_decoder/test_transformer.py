"""Encoder and decoder against torch's `nn.Transformer` and transformers' Marian, with copied weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pretrace.model.encoder_decoder import EncoderDecoder
from pretrace.model.kernels.dropout import Dropout
from pretrace.settings import ModelSettings

BASE = {"layers": 2, "width": 32, "heads": 4, "feed_forward": 64, "context": 40, "dropout": 0.0, "initial_std": 0.1}
FORM = {"embedding_dropout": "sum", "positions": "sinusoidal", "activation": "relu", "embedding_scale": "sqrt_width"}
VOCABULARY = 50
LENGTHS_B = torch.tensor([9, 4, 1])


def model_with(**form: Any) -> EncoderDecoder:
    return EncoderDecoder(ModelSettings(**BASE, **FORM, **form), VOCABULARY, seed=3).eval()


def batch(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Sources (3, 9), of lengths 9, 4 and 1, and targets (3, 7)."""
    random = torch.Generator().manual_seed(seed)
    return tuple(torch.randint(3, VOCABULARY, (3, length), generator=random) for length in (9, 7))


def randomized(module: nn.Module) -> None:
    """Give every norm and bias values of its own, so that one in the wrong place shows."""
    random = torch.Generator().manual_seed(5)
    for parameter in module.parameters():
        if parameter.dim() == 1:
            parameter.data.add_(0.1 * torch.randn(parameter.shape, generator=random))


def copied(pairs: Iterable[tuple[nn.Module, nn.Module]]) -> None:
    for target, source in pairs:
        target.load_state_dict(source.state_dict())


def as_torch(model: EncoderDecoder) -> nn.Transformer:
    """Torch's with the same weights.

    Its differences: a final norm after each stack in both forms, which is left out where ours has none; biases in
    attention always; no embeddings, positions or output.
    """
    sizes = model.settings
    theirs = nn.Transformer(
        sizes.width,
        sizes.heads,
        sizes.layers,
        sizes.layers,
        sizes.feed_forward,
        dropout=0.0,
        activation=sizes.activation,
        layer_norm_eps=sizes.norm_epsilon,
        batch_first=True,
        norm_first=sizes.norm == "pre",
    ).eval()
    theirs.encoder.enable_nested_tensor = False
    for stack, norm in ((theirs.encoder, "encoder_norm"), (theirs.decoder, "decoder_norm")):
        if sizes.norm == "pre":
            stack.norm.load_state_dict(getattr(model, norm).state_dict())
        else:
            stack.norm = None
    for own, layer in zip(model.encoder, theirs.encoder.layers, strict=True):
        fill_attention(layer.self_attn, own.query_key_value, own.attention_output)
        copied([(layer.linear1, own.feed_forward_in), (layer.linear2, own.feed_forward_out)])
        copied([(layer.norm1, own.norm_1), (layer.norm2, own.norm_2)])
    for own, layer in zip(model.decoder_blocks, theirs.decoder.layers, strict=True):
        fill_attention(layer.self_attn, own.query_key_value, own.attention_output)
        query_key_value = nn.Linear(sizes.width, 3 * sizes.width)
        for name in ("weight", "bias"):
            parts = [getattr(part, name) for part in (own.source_query, own.source_key_value)]
            if parts[0] is not None:
                getattr(query_key_value, name).data = torch.cat([part.data for part in parts])
            else:
                query_key_value.bias.data.zero_()
        fill_attention(layer.multihead_attn, query_key_value, own.source_output)
        copied([(layer.linear1, own.feed_forward_in), (layer.linear2, own.feed_forward_out)])
        copied([(layer.norm1, own.norm_1), (layer.norm2, own.source_norm), (layer.norm3, own.norm_2)])
    return theirs


def fill_attention(theirs: Any, query_key_value: nn.Linear, output: nn.Linear) -> None:
    theirs.in_proj_weight.data = query_key_value.weight.data.clone()
    theirs.out_proj.weight.data = output.weight.data.clone()
    for bias, own in ((theirs.in_proj_bias, query_key_value), (theirs.out_proj.bias, output)):
        bias.data = torch.zeros_like(bias) if own.bias is None else own.bias.data.clone()


@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("bias", [True, False])
def test_encoder_decoder_equals_torch(norm: str, bias: bool) -> None:
    model = model_with(norm=norm, attention_bias=bias)
    randomized(model)
    source_BS, target_BT = batch()
    theirs = as_torch(model)
    hidden_BS = torch.arange(9) >= LENGTHS_B[:, None]
    with torch.no_grad():
        x_BSC, y_BTC = (
            model.embedded(ids, model.positions(side), None)
            for ids, side in ((source_BS, "source"), (target_BT, "target"))
        )
        expected_BTC = theirs(
            x_BSC,
            y_BTC,
            tgt_mask=nn.Transformer.generate_square_subsequent_mask(7),
            src_key_padding_mask=hidden_BS,
            memory_key_padding_mask=hidden_BS,
            tgt_is_causal=True,
        )
        found_BTC = model.decode(target_BT, model.encode(source_BS, LENGTHS_B), LENGTHS_B)
    assert torch.allclose(found_BTC, expected_BTC, atol=1e-5)


def test_base_model_has_as_many_parameters_as_the_paper_s_blocks() -> None:
    """Torch's has 36,864 biases of attention and two final norms more: 44,140,544."""
    sizes = dict(layers=6, width=512, heads=8, feed_forward=2048, context=64, dropout=0.1, initial_std=0.02)
    with torch.device("meta"):
        model = EncoderDecoder(ModelSettings(**sizes, **FORM, attention_bias=False), VOCABULARY)
    assert sum(p.numel() for p in model.parameters()) - VOCABULARY * 512 == 44_101_632


@pytest.mark.slow
def test_encoder_decoder_equals_marian() -> None:
    """Marian's positions are the printed formula, ours those of tensor2tensor, so its are put in place of ours."""
    from transformers import MarianConfig, MarianMTModel

    model = model_with()
    config = MarianConfig(
        vocab_size=VOCABULARY,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=40,
        activation_function="relu",
        scale_embedding=True,
        dropout=0.0,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
        init_std=0.1,
    )
    torch.manual_seed(7)
    theirs = MarianMTModel(config).eval()
    randomized(theirs)
    theirs.final_logits_bias.zero_()
    fill_from_marian(model, theirs)
    source_BS, target_BT = batch()
    seen_BS = (torch.arange(9) < LENGTHS_B[:, None]).long()
    with torch.no_grad():
        expected_BTV = theirs(input_ids=source_BS, attention_mask=seen_BS, decoder_input_ids=target_BT).logits
        found_BTV = model(source_BS, LENGTHS_B, target_BT)
    assert torch.allclose(found_BTV, expected_BTV, atol=1e-4)
    back = MarianMTModel(config).eval()
    back.final_logits_bias.zero_()
    fill_marian(back, model)
    with torch.no_grad():
        again_BTV = back(input_ids=source_BS, attention_mask=seen_BS, decoder_input_ids=target_BT).logits
    assert torch.allclose(again_BTV, expected_BTV, atol=1e-4)


def marian_parts(model: EncoderDecoder, theirs: Any) -> Iterable[tuple[list[nn.Module], nn.Module]]:
    """Marian's layers that, one below the other, are one of ours."""
    core = theirs.model
    yield [core.shared], model.token_embedding
    for own, layer in zip(model.encoder, core.encoder.layers, strict=True):
        attention = layer.self_attn
        yield [attention.q_proj, attention.k_proj, attention.v_proj], own.query_key_value
        yield [attention.out_proj], own.attention_output
        yield [layer.self_attn_layer_norm], own.norm_1
        yield from (([layer.fc1], own.feed_forward_in), ([layer.fc2], own.feed_forward_out))
        yield [layer.final_layer_norm], own.norm_2
    for own, layer in zip(model.decoder_blocks, core.decoder.layers, strict=True):
        attention, cross = layer.self_attn, layer.encoder_attn
        yield [attention.q_proj, attention.k_proj, attention.v_proj], own.query_key_value
        yield [attention.out_proj], own.attention_output
        yield [layer.self_attn_layer_norm], own.norm_1
        yield [cross.q_proj], own.source_query
        yield [cross.k_proj, cross.v_proj], own.source_key_value
        yield [cross.out_proj], own.source_output
        yield [layer.encoder_attn_layer_norm], own.source_norm
        yield from (([layer.fc1], own.feed_forward_in), ([layer.fc2], own.feed_forward_out))
        yield [layer.final_layer_norm], own.norm_2


def fill_from_marian(model: EncoderDecoder, theirs: Any) -> None:
    for parts, own in marian_parts(model, theirs):
        for name, parameter in own.named_parameters():
            parameter.data = torch.cat([getattr(part, name).data for part in parts])
    model.sinusoids_TC = theirs.model.encoder.embed_positions.weight.data.clone()


def fill_marian(theirs: Any, model: EncoderDecoder) -> None:
    for parts, own in marian_parts(model, theirs):
        for name, parameter in own.named_parameters():
            for part, values in zip(parts, parameter.data.chunk(len(parts)), strict=True):
                getattr(part, name).data.copy_(values)


def test_states_do_not_depend_on_padding_or_on_what_follows() -> None:
    model = model_with()
    source_BS, target_BT = batch()
    with torch.no_grad():
        all_BTV = model(source_BS, LENGTHS_B, target_BT)
        alone_1TV = model(source_BS[1:2, :4], LENGTHS_B[1:2], target_BT[1:2, :5])
    assert torch.allclose(all_BTV[1, :5], alone_1TV[0], atol=1e-5)


def test_dropout_is_that_of_each_pair() -> None:
    model = model_with()
    source_BS, target_BT = batch()

    def hidden(rows: list[int]) -> Tensor:
        dropout = Dropout(0.3, 1, 2, rows)
        states_BSC = model.encode(source_BS[rows, :4], torch.full((len(rows),), 4), dropout)
        return model.decode(target_BT[rows], states_BSC, torch.full((len(rows),), 4), dropout)

    both_BTC, one_BTC = hidden([0, 1]), hidden([1])
    assert torch.allclose(both_BTC[1], one_BTC[0], atol=1e-5)
    assert not torch.allclose(one_BTC[0], hidden([0])[0], atol=1e-2)
