"""The transformer's block, shared by the full forward pass, the packed one and the key-value cache.

Shapes: B batch, T time, N tokens of packed sequences, C width, H heads, D width of a head, X three widths.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.model.kernels.attention import self_attention
from pretrace.model.kernels.dropout import Dropout, add_with_dropout
from pretrace.model.kernels.feed_forward import feed_forward
from pretrace.model.kernels.linear import linear
from pretrace.model.packed_sequences import Layout, PackedDropout, packed_attention
from pretrace.settings import ModelSettings


class Block(nn.Module):
    """Attention and a feed-forward network, each followed by a layer norm of the sum with its input (post-LN)."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        width = settings.width
        self.heads = settings.heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_output = nn.Linear(width, width)
        self.norm_1 = nn.LayerNorm(width, eps=1e-5)
        self.feed_forward_in = nn.Linear(width, settings.feed_forward)
        self.feed_forward_out = nn.Linear(settings.feed_forward, width)
        self.norm_2 = nn.LayerNorm(width, eps=1e-5)

    def forward(self, x_BTC: Tensor, dropout: Dropout | None, layout: Layout | None = None) -> Tensor:
        a_BTC = self._attend(x_BTC, dropout, layout)
        n_BTC = self.norm_1(add_with_dropout(x_BTC, a_BTC, dropout))
        m_BTC = feed_forward(n_BTC, self.feed_forward_in, self.feed_forward_out)
        y_BTC: Tensor = self.norm_2(add_with_dropout(n_BTC, m_BTC, dropout))
        return y_BTC

    def _attend(self, x_BTC: Tensor, dropout: Dropout | None, layout: Layout | None) -> Tensor:
        if layout is not None:
            qkv_NX = _linear(self.query_key_value, x_BTC)
            assert dropout is None or isinstance(dropout, PackedDropout)
            a_NC = packed_attention(qkv_NX, self.heads, dropout, layout)
            return _linear(self.attention_output, a_NC)
        B, T, C = x_BTC.shape
        qkv_3BHTD = _linear(self.query_key_value, x_BTC).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        a_BHTD = self_attention(qkv_3BHTD, dropout)
        return _linear(self.attention_output, a_BHTD.transpose(1, 2).reshape(B, T, C))

    def traceable_forward(self, x_BTC: Tensor) -> Tensor:
        """Run the block without dropout, in PyTorch's own operations only."""
        B, T, C = x_BTC.shape
        qkv_BTX = self.query_key_value(x_BTC)
        q_BHTD, k_BHTD, v_BHTD = (x.reshape(B, T, self.heads, -1).transpose(1, 2) for x in qkv_BTX.split(C, dim=2))
        a_BHTD = F.scaled_dot_product_attention(q_BHTD, k_BHTD, v_BHTD, is_causal=True)
        n_BTC = self.norm_1(x_BTC + self.attention_output(a_BHTD.transpose(1, 2).reshape(B, T, C)))
        m_BTC = self.feed_forward_out(F.gelu(self.feed_forward_in(n_BTC), approximate="tanh"))
        y_BTC: Tensor = self.norm_2(n_BTC + m_BTC)
        return y_BTC


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    return linear(x, layer.weight, layer.bias)
