"""Key-value cache: a transformer that reads many growing texts, each of their tokens once.

The logits of a text are the same to the bit whatever other texts are in the cache and wherever they are. Rounding
depends on the shapes of the operations, so what belongs to a token is computed in shapes for which that does not
matter, or which follow from the token's place in its own text:

- Products have a multiple of `ROWS` rows, `AT_ONCE` at most. In products of so many, each row comes out with the same
  bits, whatever their number and its place among them: measured (docs/log.md), as no library promises it.
- Tokens of a new text attend in chunks of queries that begin at fixed places, over the keys up to the chunk's end.
- The new token of a text that grows attends over keys padded to whole chunks. That masked keys behind the others do not
  change the bits is also measured.

So a beginning that a new text shares with one in the cache has the keys and values that the text would give it itself:
they are copied.

Shapes: N tokens, S slots, C width, E width of the token table, H heads, D width of a head, P positions, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.model.block import Block
from pretrace.model.cached_attention import CHUNK, ChunkAttention, LastTokenAttention
from pretrace.model.decoder import Decoder
from pretrace.model.kernels.attention_span import AttentionSpan
from pretrace.model.kernels.linear import product
from pretrace.model.language_model import longest_prompt
from pretrace.model.packed_sequences import Layout
from pretrace.model.shared_beginnings import Piece, common_length, in_batches, reading_order

if TYPE_CHECKING:
    from pretrace.model.transformer import Transformer

ROWS, AT_ONCE = 16, 256


class CachedDecoder(Decoder):
    """A decoder that caches keys and values: `cache_bytes` for each slot.

    Of a text longer than `longest_prompt`, only the end is read. Each token then has another position than before, so
    nothing in the cache fits, and all is read again for each next token.

    Args:
        slots: most texts at once.
        positions: most tokens of a text; of a longer one, as many as the model reads.
    """

    def __init__(self, model: Transformer, slots: int, positions: int) -> None:
        super().__init__()
        self.model, self._longest = model, longest_prompt(model.context)
        self._blocks = [cast("Block", block) for block in model.blocks]
        table, heads = model.token_embedding.weight, self._blocks[0].heads
        shape = (len(self._blocks), 2, slots, heads, cached_positions(model, positions), model.width // heads)
        self._cache, self._device = table.new_zeros(shape), table.device
        self._read_in: list[list[int]] = [[] for _ in range(slots)]
        """Ids of the text in each slot as it was read, which has grown since."""
        self.tokens_read = 0
        """Number of tokens of new texts that were read and not copied."""

    def _read(self, slots: Sequence[int], texts: Sequence[Sequence[int]]) -> Tensor:
        pieces = reading_order(slots, [list(text[-self._longest :]) for text in texts], self._read_in)
        logits_NV = self._cache.new_empty(len(texts), self.model.vocabulary_size)
        for _, turn in groupby(pieces, lambda piece: piece.turn):
            ready = list(turn)
            for piece in ready:
                if piece.source != piece.slot:
                    beginning = self._cache[:, :, piece.source, :, : piece.first]
                    self._cache[:, :, piece.slot, :, : piece.first] = beginning
            logits_NV[[piece.number for piece in ready]] = self._read_pieces(ready)
            for piece in ready:
                self._read_in[piece.slot] = piece.text
        return logits_NV

    def _read_pieces(self, pieces: Sequence[Piece]) -> Tensor:
        """Return the logits (N, V) after texts whose beginnings are in the cache."""
        last_NC = []
        for batch in in_batches(pieces, AT_ONCE):
            ids = [index for piece in batch for index in piece.text[piece.first :]]
            places = [place for piece in batch for place in range(piece.first, len(piece.text))]
            x_NC = self._through(ids, places, ChunkAttention(batch))
            ends = [sum(map(len, batch[: number + 1])) - 1 for number, piece in enumerate(batch) if piece.is_last]
            last_NC.append(x_NC[ends])
            self.tokens_read += len(ids)
        return self._logits(torch.cat(last_NC))

    def _step(self) -> Tensor:
        grown, anew = (
            [slot for slot, text in enumerate(self.texts) if (len(text) > self._longest) == too_long]
            for too_long in (False, True)
        )
        logits_NV = self._cache.new_empty(len(self.texts), self.model.vocabulary_size)
        if grown:
            places = [len(self.texts[slot]) - 1 for slot in grown]
            lengths_N = torch.tensor(places, device=self._device) + 1
            slots_N = torch.tensor(grown, device=self._device) if anew else None
            attend = LastTokenAttention(lengths_N, slots_N)
            x_NC = self._through([self.texts[slot][-1] for slot in grown], places, attend)
            logits_NV[grown] = self._logits(x_NC)[: len(grown)]
        if anew:
            for slot in anew:
                self._read_in[slot] = []
            logits_NV[anew] = self._read(anew, [self.texts[slot] for slot in anew])
        return logits_NV

    def _arrange(self, sources: Sequence[int]) -> None:
        moves = []
        for target, source in enumerate(sources):
            if target != source:
                fits = len(self.texts[source]) <= self._longest  # otherwise it is read again
                first, last = common_length(self._read_in[target], self._read_in[source]), len(self.texts[source])
                places = slice(first, last if fits else first)
                values = self._cache[:, :, source, :, places].clone()
                moves.append((target, places, values, self._read_in[source] if fits else []))
        for target, places, values, ids in moves:
            self._cache[:, :, target, :, places] = values
            self._read_in[target] = ids

    def _through(
        self, ids: list[int], places: list[int], attend: Callable[[Tensor, Tensor, AttentionSpan], Tensor]
    ) -> Tensor:
        """Return the last block's output for tokens at places of their texts: (N, C), padded to a multiple of `ROWS`.

        Args:
            attend: from queries, keys and values (N, 3, H, D), a layer's cache (2, S, H, P, D) and its span to
                attention (N, H, D).
        """
        padding = [0] * (-len(ids) % ROWS)
        ids_N, places_N = (torch.tensor(numbers + padding, device=self._device) for numbers in (ids, places))
        x_NC = self.model.embedded(ids_N, layout=Layout(places_N, ()))
        for block, cache in zip(self._blocks, self._cache, strict=True):

            def attended(x_NC: Tensor, block: Block = block, cache: Tensor = cache) -> Tensor:
                qkv_N3HD = _linear(block.query_key_value, x_NC).view(len(x_NC), 3, block.heads, -1)
                a_NC = torch.zeros_like(x_NC)
                a_NC[: len(ids)] = attend(qkv_N3HD[: len(ids)], cache, block.span).flatten(1)
                return _linear(block.attention_output, a_NC)

            x_NC = block.combine(x_NC, attended, partial(block.feed, apply=_linear))
        return x_NC

    def _logits(self, x_NC: Tensor) -> Tensor:
        """Return the logits (N, V) of the last block's output (N, C)."""
        padded_NC = F.pad(x_NC, (0, 0, 0, -len(x_NC) % ROWS))
        h_NE = self.model.output_states(self.model.normed(padded_NC))
        return product(h_NE, self.model.output_weight(), self.model.output_bias)[: len(x_NC)]


def cached_positions(model: Transformer, positions: int) -> int:
    """Return how many positions a slot has for texts of so many tokens: whole chunks."""
    return -(-min(positions, longest_prompt(model.context)) // CHUNK) * CHUNK


def cache_bytes(model: Transformer, positions: int) -> int:
    """Return the bytes of a slot for texts of so many tokens."""
    numbers = 2 * len(model.blocks) * model.width * cached_positions(model, positions)
    return numbers * model.token_embedding.weight.element_size()


def _linear(layer: nn.Linear, x_NC: Tensor) -> Tensor:
    return product(x_NC, layer.weight, layer.bias)
