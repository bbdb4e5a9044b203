"""For tests of parity with transformers: random weights, and the names and form of its GPT blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pretrace.model import Transformer
from pretrace.model.checkpoints.huggingface import architecture_of

GPT_BLOCK = {
    "query_key_value": "attn.c_attn",
    "attention_output": "attn.c_proj",
    "norm_1": "ln_1",
    "feed_forward_in": "mlp.c_fc",
    "feed_forward_out": "mlp.c_proj",
    "norm_2": "ln_2",
}
"""Names in its GPT-1 and GPT-2 of the parts of a block."""


@torch.no_grad()
def draw(model: nn.Module, seed: int) -> None:
    """Numbers everywhere, biases and gains too, so large that logits spread over some units."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        parameter.normal_(0.0, 0.1 if "embedding" in name or parameter.dim() == 1 else 0.04, generator=generator)
        if "norm" in name and name.endswith("weight"):
            parameter.add_(1.0)


def turned(name: str, tensor: Tensor) -> Tensor:
    """A parameter of ours as its GPT-1 and GPT-2 have it: linear layers hold weights as (in, out)."""
    return tensor.T if tensor.dim() == 2 and "embedding" not in name else tensor


def gradients(ours: Transformer, theirs: nn.Module) -> list[tuple[str, Tensor, Tensor]]:
    """Their name, our gradient and theirs of each parameter; all of theirs are met."""
    layout = architecture_of(ours.settings).layout()
    left = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    found: list[tuple[str, Tensor, Tensor]] = []
    for own_name, parameter in ours.named_parameters():
        assert parameter.grad is not None
        for name, own in layout.parts(own_name, parameter.grad):
            other = left.pop(name)
            assert other is not None
            found.append((name, own, other))
    assert not left
    return found
