"""Transformer-XL's block: attention by distance, over memory and the tokens at hand (Dai et al. 2019, section 3).

Memory is what the block read before, without gradient. Its keys and values are computed anew in each segment, with the
weights of now. The two vectors that stand for the query's position are each layer's own (as in the TensorFlow code; all
layers share them in the PyTorch code). Dropout is on the vectors of distances, as there; not within the feed-forward
network nor on the last layer's output.

Shapes: B batch, T time, M tokens of memory, K = M + T keys, N tokens of packed sequences, C width, H heads, D width of
a head, X three widths.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.model.block import Block, Linear, fast_linear
from pretrace.model.kernels.attention_span import AttentionSpan
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.kernels.relative_attention import relative_attention
from pretrace.model.packed_sequences import Layout, packed_attention
from pretrace.settings import ModelSettings


class RelativeBlock(Block):
    """A block whose tokens know how far back others are."""

    def __init__(self, settings: ModelSettings, span: AttentionSpan) -> None:
        super().__init__(settings, span)
        width, heads = settings.width, settings.heads
        self.distance_projection = nn.Linear(width, width, bias=False)
        self.content_bias = nn.Parameter(torch.zeros(heads, width // heads))
        self.distance_bias = nn.Parameter(torch.zeros(heads, width // heads))

    def forward(
        self,
        x_BTC: Tensor,
        dropout: Dropout | None,
        layout: Layout | None = None,
        mask_BTT: Tensor | None = None,
        distances_KC: Tensor | None = None,
        memory_BMC: Tensor | None = None,
    ) -> Tensor:
        """Return the block's output.

        Args:
            mask_BTT: not needed, as no token sees padding, which is behind it.
            distances_KC: vectors of the distances K - 1 to 0; those of a packed batch are the last ones.
            memory_BMC: what the block read before `x_BTC`; None: nothing.
        """
        assert distances_KC is not None
        return self.run(
            x_BTC, dropout, lambda x: self._look_back(x, distances_KC, dropout, layout, memory_BMC, fast_linear)
        )

    def traceable_forward(self, x_BTC: Tensor, distances_KC: Tensor | None = None) -> Tensor:
        assert distances_KC is not None
        apply: Linear = lambda layer, x: layer(x)  # noqa: E731
        attend = partial(self._look_back, distances_KC=distances_KC, apply=apply)
        return self.combine(x_BTC, attend, partial(self.feed, apply=apply))

    def _look_back(
        self,
        x_BTC: Tensor,
        distances_KC: Tensor,
        dropout: Dropout | None = None,
        layout: Layout | None = None,
        memory_BMC: Tensor | None = None,
        apply: Linear = fast_linear,
    ) -> Tensor:
        """Return the attention's output (B, T, C), or (N, C) with a `layout`."""
        r_HKD = self._heads(apply(self.distance_projection, distances_KC))

        def attend(q_BHTD: Tensor, k_BHKD: Tensor, v_BHKD: Tensor, own: Dropout | None) -> Tensor:
            own_HKD = r_HKD[:, -k_BHKD.shape[2] :]
            return relative_attention(q_BHTD, k_BHKD, v_BHKD, own_HKD, self.content_bias, self.distance_bias, own)

        qkv_BTX = apply(self.query_key_value, x_BTC)
        if layout is not None:
            of_batch = lambda qkv, own, _: attend(qkv[0], qkv[1], qkv[2], own)  # noqa: E731
            return apply(self.attention_output, packed_attention(qkv_BTX, self.heads, dropout, layout, of_batch))
        q_BHTD, k_BHKD, v_BHKD = (self._heads(x) for x in qkv_BTX.chunk(3, dim=-1))
        if memory_BMC is not None:
            k_BHMD, v_BHMD = self._keys_and_values(memory_BMC)
            k_BHKD, v_BHKD = torch.cat([k_BHMD, k_BHKD], 2), torch.cat([v_BHMD, v_BHKD], 2)
        a_BHTD = attend(q_BHTD, k_BHKD, v_BHKD, dropout)
        return apply(self.attention_output, a_BHTD.transpose(1, 2).reshape(x_BTC.shape))

    def _keys_and_values(self, memory_BMC: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values (B, H, M, D) of memory."""
        if self.norm_first:
            memory_BMC = self.norm_1(memory_BMC)
        width, layer = memory_BMC.shape[-1], self.query_key_value
        bias = None if layer.bias is None else layer.bias[width:]
        keys, values = F.linear(memory_BMC, layer.weight[width:], bias).chunk(2, dim=-1)
        return self._heads(keys), self._heads(values)

    def _heads(self, x_BTC: Tensor) -> Tensor:
        """Return tokens (..., T, C) by head: (..., H, T, D)."""
        return x_BTC.reshape(*x_BTC.shape[:-1], self.heads, -1).transpose(-3, -2)


def distance_vectors(count: int, width: int) -> Tensor:
    """Return vectors (K, C) of the distances 0 to `count` - 1: sines, then cosines (released code).

    Wavelengths are those of Vaswani et al. 2017, section 3.5, from 2 pi on.
    """
    frequencies_F = 10_000.0 ** -(torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles_KF = torch.arange(count, dtype=torch.float64)[:, None] * frequencies_F
    return torch.cat([angles_KF.sin(), angles_KF.cos()], 1).float()
