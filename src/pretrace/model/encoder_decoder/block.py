"""The decoder's block: attention among the target's tokens, attention to the source, and a feed-forward network.

Vaswani et al. 2017, section 3.1: each of the three is added to its input, with a layer norm after the sum, or before
each with `norm: pre` (tensor2tensor's `transformer_base`). In training attention weights have dropout, as in the other
systems and in tensor2tensor's second version; the paper has it on sums and embeddings alone.

Shapes: B batch, T tokens of the target, S tokens of the source, N tokens, C width, H heads, D width of a head.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.model.block import Block, fast_linear
from pretrace.model.kernels.attention_span import CAUSAL
from pretrace.model.kernels.dropout import Dropout, add_with_dropout, with_dropout
from pretrace.model.kernels.feed_forward import feed_forward
from pretrace.settings import ModelSettings

Part = Callable[[Tensor], Tensor]
"""One of the three parts of a block: from its input to what is added to it."""


class DecoderBlock(Block):
    """A block whose tokens also attend to the states of a source."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings, CAUSAL)
        width, bias = settings.width, settings.attention_bias
        self.source_query = nn.Linear(width, width, bias=bias)
        self.source_key_value = nn.Linear(width, 2 * width, bias=bias)
        self.source_output = nn.Linear(width, width, bias=bias)
        self.source_norm = nn.LayerNorm(width, eps=settings.norm_epsilon)

    def read(self, x_BTC: Tensor, source_BSC: Tensor, mask_B11S: Tensor, dropout: Dropout | None) -> Tensor:
        """Return the block's output (B, T, C) beside the states of sources, of which a mask hides the padding."""

        def look_at_source(x_BTC: Tensor) -> Tensor:
            q_BHTD = self._heads(fast_linear(self.source_query, x_BTC))
            k_BHSD, v_BHSD = (self._heads(x) for x in fast_linear(self.source_key_value, source_BSC).chunk(2, -1))
            a_BHTD = source_attention(q_BHTD, k_BHSD, v_BHSD, mask_B11S, dropout)
            return fast_linear(self.source_output, a_BHTD.transpose(1, 2).reshape(x_BTC.shape))

        return self.in_order(
            x_BTC,
            lambda x: self._attend(x, dropout, None, None),
            look_at_source,
            lambda x: feed_forward(x, self.feed_forward_in, self.feed_forward_out, self.activation),
            lambda x, y: add_with_dropout(x, y, dropout),
        )

    def in_order(
        self,
        x_NC: Tensor,
        attend: Part,
        look_at_source: Part,
        feed: Part,
        add: Callable[[Tensor, Tensor], Tensor] = Tensor.add,
    ) -> Tensor:
        """Return the block's output from its three parts: how these, sums and norms follow."""
        for norm, part in ((self.norm_1, attend), (self.source_norm, look_at_source), (self.norm_2, feed)):
            x_NC = add(x_NC, part(norm(x_NC))) if self.norm_first else norm(add(x_NC, part(x_NC)))
        return x_NC

    def _heads(self, x_BTC: Tensor) -> Tensor:
        return x_BTC.view(*x_BTC.shape[:2], self.heads, -1).transpose(1, 2)


def source_attention(
    q_BHTD: Tensor, k_BHSD: Tensor, v_BHSD: Tensor, mask_B11S: Tensor, dropout: Dropout | None
) -> Tensor:
    """Return the attention (B, H, T, D) of a target's queries to a source's keys, where the mask is True."""
    if dropout is None:
        return F.scaled_dot_product_attention(q_BHTD, k_BHSD, v_BHSD, mask_B11S)
    scores_BHTS = (q_BHTD * q_BHTD.shape[-1] ** -0.5) @ k_BHSD.transpose(-2, -1)
    weights_BHTS = torch.softmax(scores_BHTS.masked_fill(~mask_B11S, -torch.inf), -1, dtype=torch.float32)
    return with_dropout(weights_BHTS.to(q_BHTD.dtype), dropout) @ v_BHSD
