"""The transformer: with the defaults of its settings the decoder of GPT-1 (paper, section 4.1, and released code).

GPT-2, GPT-3, BERT and Transformer-XL are other values of the settings (pretrace.settings.scale.ModelSettings). The
fine-tuning code of GPT-1 has tokens and positions in one table, with two consequences:

- dropout applies to that table before the look-up, so the tied output has the same dropout: `embedding_dropout: table`;
- the softmax over the vocabulary includes the rows of the positions, which are never the next token. Left out here, as
  pre-training has no such rows in its table (Hugging Face's port leaves them out, too).

Shapes, as suffixes of names: B batch, T time (tokens of a sequence), C width, H heads, D width of a head, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.model.block import Block
from pretrace.model.decoder import Decoder
from pretrace.model.kernels.attention_span import span_of
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.kernels.feed_forward import ACTIVATIONS
from pretrace.model.kernels.layer_norm import layer_norm
from pretrace.model.kernels.look_up import add_to_each, look_up
from pretrace.model.kv_cache import CachedDecoder, cache_bytes
from pretrace.model.language_model import LanguageModel, initialize
from pretrace.model.packed_sequences import Layout, padding_mask
from pretrace.model.relative_block import RelativeBlock, distance_vectors
from pretrace.settings import ModelSettings


class Transformer(LanguageModel):
    """Embeddings of tokens, positions and segments, `layers` blocks, and an output tied to the token embeddings.

    Args:
        settings: sizes and form.
        vocabulary_size: rows of the token table, special tokens included.
        seed: of the initial weights; the same seed gives the same bytes.
    """

    kind = "transformer"
    attends = True
    settings_type = ModelSettings
    not_each_token = (
        *("position_embedding", "segment_embedding", "pooler", "next_sentence"),
        *("distance_projection", "content_bias", "distance_bias"),
    )
    settings: ModelSettings

    def __init__(self, settings: ModelSettings, vocabulary_size: int, seed: int = 0) -> None:
        super().__init__()
        self.settings = settings
        width, epsilon = settings.width, settings.norm_epsilon
        self.token_embedding = nn.Embedding(vocabulary_size, width)
        if settings.positions == "learned":
            self.position_embedding = nn.Embedding(settings.context, width)
        elif settings.positions == "sinusoidal":
            self.register_buffer("sinusoids_TC", sinusoids(settings.context, width), persistent=False)
        else:
            self.register_buffer("distances_TC", distance_vectors(settings.context, width), persistent=False)
        block = RelativeBlock if settings.positions == "relative" else Block
        self.blocks = nn.ModuleList(block(settings, span_of(settings, layer)) for layer in range(settings.layers))
        if settings.norm == "pre":
            self.final_norm = nn.LayerNorm(width, eps=epsilon)
        if settings.embedding_norm:
            self.embedding_norm = nn.LayerNorm(width, eps=epsilon)
        if settings.segments:
            self.segment_embedding = nn.Embedding(settings.segments, width)
        if settings.output == "transform":
            self.output_dense = nn.Linear(width, width)
            self.output_norm = nn.LayerNorm(width, eps=epsilon)
        if settings.output != "tied":
            self.output_bias = nn.Parameter(torch.zeros(vocabulary_size))
        if settings.next_sentence:
            self.pooler = nn.Linear(width, width)
            self.next_sentence = nn.Linear(width, 2)
        initialize(self, settings.initial_std, seed)
        self._scale_initial_weights()

    @classmethod
    def create(cls, settings: ModelSettings, vocabulary_size: int, context: int, seed: int = 0) -> Transformer:
        """Return a model with random weights; its context is that of the settings."""
        return cls(settings, vocabulary_size, seed)

    @torch.no_grad()
    def _scale_initial_weights(self) -> None:
        settings = self.settings
        if settings.position_std is not None:
            self.position_embedding.weight *= settings.position_std / settings.initial_std
        if settings.residual_init == "depth":
            for block in cast("list[Block]", self.blocks):
                for layer in (block.attention_output, block.feed_forward_out):
                    layer.weight *= (2 * settings.layers) ** -0.5

    @property
    def context(self) -> int:
        """Longest sequence, in tokens."""
        return self.settings.context

    @property
    def width(self) -> int:
        """Width of the hidden states."""
        return self.settings.width

    @property
    def memory(self) -> int:
        """Tokens of memory in pre-training; all else reads without."""
        return self.settings.memory

    @property
    def is_causal(self) -> bool:
        """True unless attention is full."""
        return self.settings.attention != "full"

    @property
    def sums_by_unit(self) -> bool:
        """True if all parameters are those of kernels that know units."""
        settings = self.settings
        if settings.positions == "relative" or (settings.positions == "sinusoidal" and self._drops_tables):
            return False  # rows of tables are scaled after their sum, and sinusoids have no dropout
        return settings.output != "transform" and not settings.next_sentence

    @property
    def has_segments(self) -> bool:
        """True if tokens have segments."""
        return self.settings.segments > 0

    @property
    def has_pooler(self) -> bool:
        """True if it has the output of next-sentence prediction."""
        return self.settings.next_sentence

    @property
    def shares_beginnings(self) -> bool:
        """True if attention is causal: states of a beginning then do not depend on what follows. Distances would count
        the sequences in between.
        """
        return self.settings.attention == "causal" and self.settings.positions != "relative"

    def hidden(
        self,
        ids_BT: Tensor,
        dropout: Dropout | None = None,
        layout: Layout | None = None,
        segments_BT: Tensor | None = None,
        lengths_B: Tensor | None = None,
    ) -> Tensor:
        """Return the final hidden states (B, T, C) of token ids (B, T); with a `layout`, (N, C) of (N,).

        Args:
            segments_BT: segment of each token, from 0; None: 0 throughout.
            lengths_B: tokens of each sequence, for attention that is not causal: the rest is padding; None: all.
        """
        x_BTC = self.embedded(ids_BT, dropout, layout, segments_BT)
        mask_BTT = None if lengths_B is None else padding_mask(lengths_B, ids_BT.shape[1])
        if layout is not None and not self.is_causal:
            layout = layout.without_padding()
        keys = ids_BT.shape[-1] if layout is None else max(batch.longest for batch in layout.batches)
        distances, run = self.distances(keys, dropout), self.block_runner
        for block in self.blocks:
            x_BTC = run(block, x_BTC, dropout, layout, mask_BTT, *distances)
        return self.normed(x_BTC)

    @property
    def block_runner(self) -> Callable[..., Tensor]:
        """The forward pass of a block, given the block and its arguments."""
        return self.compiled_block if self.compiled_block and torch.is_grad_enabled() else Block.__call__

    def distances(self, keys: int, dropout: Dropout | None = None) -> tuple[Tensor, ...]:
        """Return what blocks read beside states: of relative positions, vectors (K, C) of distances K - 1 to 0."""
        if self.settings.positions != "relative":
            return ()
        table_TC = cast("Tensor", self.distances_TC)
        if keys > len(table_TC):  # memory that is longer than in training
            table_TC = distance_vectors(keys, self.width).to(table_TC.device)
        vectors_KC = table_TC[:keys]
        return ((dropout.table(vectors_KC) if dropout else vectors_KC).flip(0),)

    @property
    def state_layers(self) -> int:
        """The embeddings, and every block."""
        return len(self.blocks) + 1

    def layer_states(self, ids_BT: Tensor, lengths_B: Tensor | None = None) -> Iterator[Tensor]:
        """Yield the states (B, T, C) of the embeddings and of every block; the last are those of `hidden`."""
        mask_BTT = None
        if lengths_B is not None and not self.is_causal:  # where it is, no token sees the padding behind it
            mask_BTT = padding_mask(lengths_B, ids_BT.shape[1])
        x_BTC, distances = self.embedded(ids_BT), self.distances(ids_BT.shape[-1])
        yield x_BTC
        for number, block in enumerate(self.blocks, 1):
            x_BTC = block(x_BTC, None, None, mask_BTT, *distances)
            if number == len(self.blocks):
                x_BTC = self.normed(x_BTC)
            yield x_BTC

    def embedded(
        self,
        ids_BT: Tensor,
        dropout: Dropout | None = None,
        layout: Layout | None = None,
        segments_BT: Tensor | None = None,
        first: int = 0,
    ) -> Tensor:
        """Return what the first block reads (B, T, C), of the same arguments as `hidden`.

        Args:
            first: position of the first token, without a `layout`.
        """
        tokens_VC, positions_TC = self.output_weight(dropout), self._positions(dropout)
        x_BTC = look_up(ids_BT, tokens_VC)
        if self.settings.embedding_scale == "sqrt_width":
            x_BTC = x_BTC * math.sqrt(self.width)
        if positions_TC is None:
            pass
        elif layout is None:
            x_BTC = add_to_each(x_BTC, positions_TC[first : first + ids_BT.shape[-1]])
        else:
            x_BTC = x_BTC + F.embedding(layout.positions_N, positions_TC)
        if self.settings.segments:
            table_SC = self._table(self.segment_embedding, dropout)
            x_BTC = x_BTC + (table_SC[0] if segments_BT is None else look_up(segments_BT, table_SC))
        if dropout:
            x_BTC = dropout.with_table(x_BTC, tokens_VC)
        if self.settings.embedding_norm:
            x_BTC = layer_norm(self.embedding_norm, x_BTC)
        return dropout(x_BTC) if dropout and not self._drops_tables else x_BTC

    def normed(self, x_BTC: Tensor) -> Tensor:
        """Return the hidden states of the last block's output (B, T, C): with a layer norm, if norms come first."""
        if self.settings.norm == "pre":
            x_BTC = layer_norm(self.final_norm, x_BTC)
        return x_BTC

    def _positions(self, dropout: Dropout | None) -> Tensor | None:
        if self.settings.positions == "relative":
            return None
        if self.settings.positions == "sinusoidal":
            return cast("Tensor", self.sinusoids_TC)
        return self._table(self.position_embedding, dropout)

    def output_weight(self, dropout: Dropout | None = None) -> Tensor:
        """Return the token table (V, C); with `embedding_dropout: table` it has this dropout."""
        return self._table(self.token_embedding, dropout)

    def _table(self, embedding: nn.Embedding, dropout: Dropout | None) -> Tensor:
        return dropout.table(embedding.weight) if dropout and self._drops_tables else embedding.weight

    @property
    def _drops_tables(self) -> bool:
        return self.settings.embedding_dropout == "table"

    def attention_flops(self, lengths: np.ndarray, memory: int = 0) -> int:
        """Return the FLOPs of attention in a forward pass: 4 x width for each pair of tokens that attend.

        With relative positions 6, as scores are of content and of distance; and keys and values of memory.
        """
        pairs = sum(int(cast("Block", block).span.pairs(lengths.astype(np.int64)).sum()) for block in self.blocks)
        pairs += 2 * memory * int(lengths.sum()) * len(self.blocks)
        of_pair = 3 if self.settings.positions == "relative" else 2
        return self.width * (of_pair * pairs + 4 * self.width * memory * len(lengths) * len(self.blocks))

    def output_states(self, h_BTC: Tensor) -> Tensor:
        """Return what the tied output multiplies (B, T, C): hidden states, transformed as BERT does if asked for."""
        if self.settings.output != "transform":
            return h_BTC
        x_BTC: Tensor = self.output_norm(ACTIVATIONS[self.settings.activation](self.output_dense(h_BTC)))
        return x_BTC

    def pooled(self, h_BC: Tensor) -> Tensor:
        """Return the pooled states (B, C) of first tokens' hidden states (B, C), with `next_sentence` (BERT's code)."""
        return torch.tanh(self.pooler(h_BC))

    def next_sentence_logits(self, h_BC: Tensor) -> Tensor:
        """Return the logits (B, 2) from first tokens' hidden states (B, C): of following (0), and of not (1)."""
        logits_B2: Tensor = self.next_sentence(self.pooled(h_BC))
        return logits_B2

    def decoder(self, slots: int, positions: int) -> Decoder:
        """Return a decoder that caches keys and values; arguments and errors as in `LanguageModel.decoder`.

        With relative positions it caches nothing: all is read anew for each token.
        """
        self.check_is_causal()
        if self.settings.positions == "relative":
            return super().decoder(slots, positions)
        return CachedDecoder(self, slots, positions)

    def decoder_bytes(self, positions: int) -> int:
        """Return the bytes of keys and values of a text of so many tokens."""
        return 0 if self.settings.positions == "relative" else cache_bytes(self, positions)

    def traceable_hidden(self, ids_BT: Tensor) -> Tensor:
        """Return `hidden` (B, T, C) in PyTorch's own operations only; the same up to rounding."""
        x_BTC, distances = self.embedded(ids_BT), self.distances(ids_BT.shape[-1])
        for block in self.blocks:
            x_BTC = cast("Block", block).traceable_forward(x_BTC, *distances)
        return self.normed(x_BTC)


def sinusoids(context: int, width: int) -> Tensor:
    """Return fixed position embeddings (T, C): sines in the first half, cosines in the second (tensor2tensor)."""
    timescales_F = torch.logspace(0, 4, width // 2, dtype=torch.float64)
    angles_TF = torch.arange(context, dtype=torch.float64)[:, None] / timescales_F
    return torch.cat([angles_TF.sin(), angles_TF.cos()], 1).float()
