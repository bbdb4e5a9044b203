"""Encoder and decoder of the Transformer (Vaswani et al. 2017, section 3), from the blocks of the other systems.

One table of tokens is source embedding, target embedding and output (section 3.4). Fixed positions are those of
tensor2tensor: sines in the first half and cosines in the second. With `norm: pre` each stack ends in a layer norm, as
there; with `norm: post` there is none, unlike `torch.nn.Transformer`, whose stacks end in one in both cases.

A text of generation is a source, the token that ends it, and the target so far: the token that ends the source also
begins the target, so prompts and beam search are those of a decoder alone.

Shapes: B batch, S tokens of the source, T tokens of the target, C width, V vocabulary.
"""

from __future__ import annotations

import math
from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.model.block import Block
from pretrace.model.decoder import Decoder
from pretrace.model.encoder_decoder.block import DecoderBlock
from pretrace.model.encoder_decoder.decoder import SourceDecoder, slot_bytes
from pretrace.model.kernels.attention_span import FULL
from pretrace.model.kernels.dropout import Dropout, with_dropout
from pretrace.model.language_model import initialize
from pretrace.model.packed_sequences import padding_mask
from pretrace.model.transformer import sinusoids
from pretrace.schemas.models import ModelConfig
from pretrace.settings import ModelKind, ModelSettings


class EncoderDecoder(nn.Module):
    """Two stacks of `layers` blocks each, and an output tied to the token embeddings.

    Args:
        settings: sizes and form, of both stacks.
        vocabulary_size: rows of the token table, special tokens included.
        seed: of the initial weights; the same seed gives the same bytes.
    """

    kind: ClassVar[ModelKind] = "encoder_decoder"
    output_bias: nn.Parameter | None
    """Bias (V,) of the logits."""

    def __init__(self, settings: ModelSettings, vocabulary_size: int, seed: int = 0) -> None:
        super().__init__()
        self.settings = settings
        width = settings.width
        self.token_embedding = nn.Embedding(vocabulary_size, width)
        if settings.positions == "learned":
            self.source_positions = nn.Embedding(settings.context, width)
            self.target_positions = nn.Embedding(settings.context, width)
        else:
            self.register_buffer("sinusoids_TC", sinusoids(settings.context, width), persistent=False)
        self.encoder = nn.ModuleList(Block(settings, FULL) for _ in range(settings.layers))
        self.decoder_blocks = nn.ModuleList(DecoderBlock(settings) for _ in range(settings.layers))
        if settings.norm == "pre":
            self.encoder_norm = nn.LayerNorm(width, eps=settings.norm_epsilon)
            self.decoder_norm = nn.LayerNorm(width, eps=settings.norm_epsilon)
        bias = torch.zeros(vocabulary_size) if settings.output == "tied_bias" else None
        self.register_parameter("output_bias", None if bias is None else nn.Parameter(bias))
        initialize(self, settings.initial_std, seed)

    @property
    def context(self) -> int:
        """Most tokens of a source, and of a target."""
        return self.settings.context

    @property
    def vocabulary_size(self) -> int:
        """Rows of the token table, special tokens included."""
        return self.token_embedding.num_embeddings

    def encode(self, source_BS: Tensor, lengths_B: Tensor, dropout: Dropout | None = None) -> Tensor:
        """Return the states (B, S, C) of sources; what is behind their lengths is padding."""
        x_BSC = self.embedded(source_BS, self.positions("source"), dropout)
        mask_BSS = padding_mask(lengths_B, source_BS.shape[1])
        for block in self.encoder:
            x_BSC = block(x_BSC, dropout, None, mask_BSS)
        return self.encoder_norm(x_BSC) if self.settings.norm == "pre" else x_BSC

    def decode(
        self, target_BT: Tensor, source_BSC: Tensor, lengths_B: Tensor, dropout: Dropout | None = None
    ) -> Tensor:
        """Return the hidden states (B, T, C) of targets beside the states of their sources."""
        x_BTC = self.embedded(target_BT, self.positions("target"), dropout)
        mask_B11S = padding_mask(lengths_B, source_BSC.shape[1])[:, None, :1]
        for block in self.decoder_blocks:
            x_BTC = cast("DecoderBlock", block).read(x_BTC, source_BSC, mask_B11S, dropout)
        return self.normed(x_BTC)

    def forward(self, source_BS: Tensor, lengths_B: Tensor, target_BT: Tensor) -> Tensor:
        """Return the logits (B, T, V) of the token after each token of the targets."""
        return self.logits(self.decode(target_BT, self.encode(source_BS, lengths_B), lengths_B))

    def embedded(self, ids_BT: Tensor, positions_TC: Tensor, dropout: Dropout | None) -> Tensor:
        """Return what a stack reads (B, T, C)."""
        x_BTC = self.token_rows(ids_BT) + positions_TC[: ids_BT.shape[1]]
        return with_dropout(x_BTC, dropout)

    def token_rows(self, ids: Tensor) -> Tensor:
        """Return the embeddings (..., C) of tokens without their positions."""
        rows = F.embedding(ids, self.token_embedding.weight)
        scaled = self.settings.embedding_scale == "sqrt_width"
        return rows * math.sqrt(self.settings.width) if scaled else rows

    def positions(self, side: str) -> Tensor:
        """Return the position embeddings (T, C) of a side, `source` or `target`."""
        if self.settings.positions == "learned":
            return cast("nn.Embedding", getattr(self, f"{side}_positions")).weight
        return cast("Tensor", self.sinusoids_TC)

    def normed(self, x_BTC: Tensor) -> Tensor:
        """Return the hidden states of the last block's output: with a layer norm, if norms come first."""
        return self.decoder_norm(x_BTC) if self.settings.norm == "pre" else x_BTC

    def logits(self, h_NC: Tensor) -> Tensor:
        """Return the logits (N, V) of hidden states (N, C); N stands for any number of axes."""
        return F.linear(h_NC, self.token_embedding.weight, self.output_bias)

    def describe(self) -> ModelConfig:
        """Return the contents of `config.json`, from which a model of the same sizes is made."""
        return ModelConfig(
            kind=self.kind,
            vocabulary_size=self.vocabulary_size,
            context=self.context,
            settings=self.settings.model_dump(exclude_defaults=True),
        )

    def decoder(self, slots: int, positions: int) -> Decoder:
        """Return a decoder that reads each source once and caches keys and values, as `LanguageModel.decoder`.

        Args:
            slots: most texts at once.
            positions: most tokens of a text, source and target together.
        """
        return SourceDecoder(self, slots, positions)

    def decoder_bytes(self, positions: int) -> int:
        """Return the bytes that a decoder keeps for a text of so many tokens."""
        return slot_bytes(self, positions)
