"""For tests of parity with transformers: random weights, and the names and form of its GPT blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

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
