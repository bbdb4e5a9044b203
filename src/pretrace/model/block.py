"""The transformer's block, shared by the full forward pass, the packed one and the key-value cache.

Shapes: B batch, T time, N tokens of packed sequences, C width, H heads, D width of a head, X three widths.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from pretrace.model.kernels.attention import fused_attention, self_attention
from pretrace.model.kernels.attention_span import AttentionSpan
from pretrace.model.kernels.dropout import Dropout, add_with_dropout
from pretrace.model.kernels.feed_forward import ACTIVATIONS, feed_forward
from pretrace.model.kernels.layer_norm import layer_norm
from pretrace.model.kernels.linear import linear
from pretrace.model.packed_sequences import Layout, packed_attention
from pretrace.settings import ModelSettings

Linear = Callable[[nn.Linear, Tensor], Tensor]
"""A way to apply a linear layer."""


class Block(nn.Module):
    """Attention and a feed-forward network, each added to its input, with a layer norm after the sum or before each.

    Args:
        span: tokens that a token attends to.
    """

    def __init__(self, settings: ModelSettings, span: AttentionSpan) -> None:
        super().__init__()
        width, epsilon = settings.width, settings.norm_epsilon
        self.heads, self.activation, self.span = settings.heads, settings.activation, span
        self.norm_first = settings.norm == "pre"
        self.query_key_value = nn.Linear(width, 3 * width, bias=settings.attention_bias)
        self.attention_output = nn.Linear(width, width, bias=settings.attention_bias)
        self.norm_1 = nn.LayerNorm(width, eps=epsilon)
        self.feed_forward_in = nn.Linear(width, settings.feed_forward)
        self.feed_forward_out = nn.Linear(settings.feed_forward, width)
        self.norm_2 = nn.LayerNorm(width, eps=epsilon)

    def forward(
        self, x_BTC: Tensor, dropout: Dropout | None, layout: Layout | None = None, mask_BTT: Tensor | None = None
    ) -> Tensor:
        return self.run(x_BTC, dropout, lambda x: self._attend(x, dropout, layout, mask_BTT))

    def run(self, x_BTC: Tensor, dropout: Dropout | None, attend: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the block's output with this attention, by the fast kernels."""
        return self.combine(
            x_BTC,
            attend,
            lambda x: feed_forward(x, self.feed_forward_in, self.feed_forward_out, self.activation),
            lambda x, y: add_with_dropout(x, y, dropout),
        )

    def combine(
        self,
        x_NC: Tensor,
        attend: Callable[[Tensor], Tensor],
        feed: Callable[[Tensor], Tensor],
        add: Callable[[Tensor, Tensor], Tensor] = Tensor.add,
    ) -> Tensor:
        """Return the block's output from its attention and feed-forward network: how these, sums and norms follow."""
        if self.norm_first:
            x_NC = add(x_NC, attend(layer_norm(self.norm_1, x_NC)))
            return add(x_NC, feed(layer_norm(self.norm_2, x_NC)))
        x_NC = layer_norm(self.norm_1, add(x_NC, attend(x_NC)))
        return layer_norm(self.norm_2, add(x_NC, feed(x_NC)))

    def _attend(self, x_BTC: Tensor, dropout: Dropout | None, layout: Layout | None, mask_BTT: Tensor | None) -> Tensor:
        if layout is not None:
            qkv_NX = fast_linear(self.query_key_value, x_BTC)
            a_NC = packed_attention(qkv_NX, self.heads, dropout, layout, partial(self_attention, span=self.span))
            return fast_linear(self.attention_output, a_NC)
        B, T, C = x_BTC.shape
        qkv_3BHTD = fast_linear(self.query_key_value, x_BTC).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        a_BHTD = self_attention(qkv_3BHTD, dropout, mask_BTT, self.span)
        return fast_linear(self.attention_output, a_BHTD.transpose(1, 2).reshape(B, T, C))

    def traceable_forward(self, x_BTC: Tensor) -> Tensor:
        """Run the block without dropout, in PyTorch's own operations only."""
        B, T, C = x_BTC.shape

        def attend(x_BTC: Tensor) -> Tensor:
            qkv_BTX = self.query_key_value(x_BTC)
            q_BHTD, k_BHTD, v_BHTD = (x.reshape(B, T, self.heads, -1).transpose(1, 2) for x in qkv_BTX.split(C, dim=2))
            a_BHTD = fused_attention(q_BHTD, k_BHTD, v_BHTD, self.span)
            a_BTC: Tensor = self.attention_output(a_BHTD.transpose(1, 2).reshape(B, T, C))
            return a_BTC

        return self.combine(x_BTC, attend, partial(self.feed, apply=lambda layer, x: layer(x)))

    def feed(self, x_NC: Tensor, apply: Linear) -> Tensor:
        """Return the feed-forward network's output (N, C), its layers applied by a function."""
        return apply(self.feed_forward_out, ACTIVATIONS[self.activation](apply(self.feed_forward_in, x_NC)))


def fast_linear(layer: nn.Linear, x: Tensor) -> Tensor:
    """Apply a linear layer by the kernel that is fastest for it."""
    return linear(x, layer.weight, layer.bias)
