"""Key-value cache: a transformer that reads a growing text token by token.

Reading n tokens then costs the products of n tokens; reading all again for each next token costs n^2 / 2.

Shapes: T new tokens, P tokens so far, C width, H heads, D width of a head, V vocabulary.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.model.block import Block
from pretrace.model.language_model import longest_prompt

if TYPE_CHECKING:
    from pretrace.model.transformer import Transformer


class CachedTransformer:
    """Logits of the next token of one text, which grows from call to call.

    Holds 2 x layers x context x width numbers in the precision of the weights.
    """

    def __init__(self, model: Transformer) -> None:
        self.model = model
        heads = cast("Block", model.blocks[0]).heads
        width = model.width // heads
        table = model.token_embedding.weight
        shape = (len(model.blocks), 2, 1, heads, model.context, width)
        self._keys_and_values = table.new_empty(shape)
        self._read = 0
        """Number of tokens whose keys and values are cached."""

    @torch.inference_mode()
    def logits(self, ids: list[int]) -> Tensor:
        """Return the logits (V,) of the token after `ids`, which continue those of the previous call.

        Of a text longer than `longest_prompt`, only the end is read. Each token then has another position than before,
        so nothing in the cache fits, and everything is read again for each next token.
        """
        device, longest = self.model.token_embedding.weight.device, longest_prompt(self.model.context)
        if len(ids) > longest:
            last_V: Tensor = self.model(torch.tensor([ids[-longest:]], device=device))[0, -1]
            return last_V
        x_TC = self.model.embedded(torch.tensor(ids[self._read :], device=device), first=self._read)
        for block, (keys, values) in zip(self.model.blocks, self._keys_and_values, strict=True):
            x_TC = self._through(cast("Block", block), x_TC, keys, values)
        self._read = len(ids)
        h_E = self.model.output_states(self.model.normed(x_TC[-1]))
        weight_VE, bias_V = self.model.token_embedding.weight, self.model.output_bias
        return torch.mv(weight_VE, h_E) if bias_V is None else torch.addmv(bias_V, weight_VE, h_E)

    def _through(self, block: Block, x_TC: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        T, C = x_TC.shape
        P = self._read + T

        def attend(x_TC: Tensor) -> Tensor:
            q_1HTD, k_1HTD, v_1HTD = (
                _linear(block.query_key_value, x_TC).view(1, T, 3, block.heads, -1).permute(2, 0, 3, 1, 4)
            )
            keys[:, :, self._read : P], values[:, :, self._read : P] = k_1HTD, v_1HTD
            attended = block.span.keys(self._read, P, P)
            mask_TP = None if T == 1 else block.span.bias(slice(self._read, P), attended, x_TC.dtype)
            mask_TP = None if mask_TP is None else mask_TP.to(x_TC.device)
            a_1HTD = F.scaled_dot_product_attention(q_1HTD, keys[:, :, attended], values[:, :, attended], mask_TP)
            return _linear(block.attention_output, a_1HTD.transpose(1, 2).reshape(T, C))

        return block.combine(x_TC, attend, partial(block.feed, apply=_linear))


def _linear(layer: nn.Linear, x_TC: Tensor) -> Tensor:
    """Apply a layer to tokens; to a single one as a vector, which is up to twice as fast on a CPU."""
    if len(x_TC) > 1:
        y_TO: Tensor = layer(x_TC)
        return y_TO
    if layer.bias is None:
        return torch.mv(layer.weight, x_TC[0])[None]
    return torch.addmv(layer.bias, layer.weight, x_TC[0])[None]
