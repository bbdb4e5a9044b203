"""Generation with an encoder: sources are read once, and the keys and values of sources and targets are cached.

As in `pretrace.model.kv_cache`, the logits of a text are the same to the bit whatever other texts are in the cache: a
source is read alone, products have a multiple of `ROWS` rows, and keys are padded to whole chunks.

Shapes: N tokens, S slots, C width, H heads, D width of a head, P positions, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.common.errors import PretraceError
from pretrace.model.cached_attention import CHUNK, LastTokenAttention
from pretrace.model.decoder import Decoder
from pretrace.model.encoder_decoder.block import DecoderBlock
from pretrace.model.kernels.attention_span import CAUSAL
from pretrace.model.kernels.linear import product

if TYPE_CHECKING:
    from pretrace.model.encoder_decoder.transformer import EncoderDecoder

ROWS = 16
"""Rows of a product are a multiple of it."""


class SourceDecoder(Decoder):
    """A decoder of texts that are a source, the token that ends it, and a target.

    Args:
        slots: most texts at once.
        positions: most tokens of a text, source and target together.
    """

    def __init__(self, model: EncoderDecoder, slots: int, positions: int) -> None:
        super().__init__()
        self.model = model
        self._blocks = [cast("DecoderBlock", block) for block in model.decoder_blocks]
        table, heads = model.token_embedding.weight, self._blocks[0].heads
        cached = cached_positions(model, positions)
        shape = (len(self._blocks), 2, slots, heads, cached, model.settings.width // heads)
        self._targets, self._sources = table.new_zeros(shape), table.new_zeros(shape)
        self._device = table.device
        self._lengths = [0] * slots
        """Tokens of the source in each slot, with the token that ends it."""

    def _read(self, slots: Sequence[int], texts: Sequence[Sequence[int]]) -> Tensor:
        for slot, text in zip(slots, texts, strict=True):
            self._check(len(text), "the source")
            self._lengths[slot] = len(text)
            ids_1S = torch.tensor([list(text)], device=self._device)
            source_SC = self.model.encode(ids_1S, torch.tensor([len(text)], device=self._device))[0]
            for block, cache in zip(self._blocks, self._sources, strict=True):
                keys_values_SX = product(source_SC, block.source_key_value.weight, block.source_key_value.bias)
                cache[:, slot, :, : len(text)] = keys_values_SX.view(len(text), 2, block.heads, -1).permute(1, 2, 0, 3)
        return self._through([text[-1] for text in texts], [0] * len(texts), list(slots))

    def _step(self) -> Tensor:
        slots = list(range(len(self.texts)))
        places = [len(text) - self._lengths[slot] for slot, text in enumerate(self.texts)]
        self._check(max(places) + 1, "the target")
        return self._through([text[-1] for text in self.texts], places, slots)

    def _check(self, tokens: int, what: str) -> None:
        if tokens > self.model.context:
            raise PretraceError(f"{what} has {tokens} tokens; this model has a context of {self.model.context}")

    def _arrange(self, sources: Sequence[int]) -> None:
        moved = [(target, source) for target, source in enumerate(sources) if target != source]
        if not moved:
            return
        targets, origins = (list(one) for one in zip(*moved, strict=True))
        written = max(len(self.texts[slot]) - self._lengths[slot] for slot in origins) + 1
        self._targets[:, :, targets, :, :written] = self._targets[:, :, origins, :, :written]
        other = [(target, source) for target, source in moved if self._source_of(target) != self._source_of(source)]
        if other:  # beams of one source leave it where it is
            targets, origins = (list(one) for one in zip(*other, strict=True))
            self._sources[:, :, targets] = self._sources[:, :, origins]
        before = list(self._lengths)
        for target, source in moved:
            self._lengths[target] = before[source]

    def _source_of(self, slot: int) -> list[int]:
        return self.texts[slot][: self._lengths[slot]] if slot < len(self.texts) else []

    def _through(self, ids: list[int], places: list[int], slots: list[int]) -> Tensor:
        """Return the logits (N, V) after tokens at places of the targets in slots."""
        N, padding = len(ids), [0] * (-len(ids) % ROWS)
        ids_N, places_N = (torch.tensor(numbers + padding, device=self._device) for numbers in (ids, places))
        slots_N = torch.tensor(slots, device=self._device)
        attend_to_target = LastTokenAttention(places_N[:N] + 1, slots_N)
        lengths_N = torch.tensor([self._lengths[slot] for slot in slots], device=self._device)
        keys = -(-int(lengths_N.max()) // CHUNK) * CHUNK
        seen_N11K = (torch.arange(keys, device=self._device) < lengths_N[:, None])[:, None, None]
        x_NC = self.model.token_rows(ids_N) + self.model.positions("target")[places_N]
        for block, target, source in zip(self._blocks, self._targets, self._sources, strict=True):

            def attended(x_NC: Tensor, block: DecoderBlock = block, cache: Tensor = target) -> Tensor:
                qkv_N3HD = _linear(block.query_key_value, x_NC).view(len(x_NC), 3, block.heads, -1)
                return _of_rows(block.attention_output, attend_to_target(qkv_N3HD[:N], cache, CAUSAL), x_NC)

            def looked(x_NC: Tensor, block: DecoderBlock = block, cache: Tensor = source) -> Tensor:
                q_NHD = _linear(block.source_query, x_NC).view(len(x_NC), block.heads, -1)[:N]
                keys_NHKD, values_NHKD = cache[:, slots_N, :, :keys]
                a_NH1D = F.scaled_dot_product_attention(q_NHD[:, :, None], keys_NHKD, values_NHKD, seen_N11K)
                return _of_rows(block.source_output, a_NH1D[:, :, 0], x_NC)

            x_NC = block.in_order(x_NC, attended, looked, partial(block.feed, apply=_linear))
        h_NC = self.model.normed(x_NC)
        return product(h_NC, self.model.token_embedding.weight, self.model.output_bias)[:N]


def cached_positions(model: EncoderDecoder, positions: int) -> int:
    """Return how many positions a slot has for sources, and for targets, of texts of so many tokens: whole chunks."""
    return -(-min(positions, model.context) // CHUNK) * CHUNK


def slot_bytes(model: EncoderDecoder, positions: int) -> int:
    """Return the bytes of a slot for texts of so many tokens."""
    numbers = 4 * model.settings.layers * model.settings.width * cached_positions(model, positions)
    return numbers * model.token_embedding.weight.element_size()


def _linear(layer: nn.Linear, x_NC: Tensor) -> Tensor:
    return product(x_NC, layer.weight, layer.bias)


def _of_rows(layer: nn.Linear, a_NHD: Tensor, like_NC: Tensor) -> Tensor:
    """Return a layer's output for the attention of tokens, padded to as many rows as another tensor has."""
    a_NC = torch.zeros_like(like_NC)
    a_NC[: len(a_NHD)] = a_NHD.flatten(1)
    return _linear(layer, a_NC)
