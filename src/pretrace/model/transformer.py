"""The decoder-only transformer of GPT-1 (paper, section 4.1; block order as in the released code).

Two quirks of the released fine-tuning code, which keeps tokens and positions in one table:

- its dropout falls on that table, before anything is looked up, so the tied output has the same holes: the setting
  `embedding_dropout: table`;
- its softmax over the vocabulary runs over the rows of the positions as well, which can never be right. That is left
  out, as in pre-training no such rows are next to the tokens' (Hugging Face's port has left it out, too).

Shapes, as suffixes of names: B batch, T time (tokens of a sequence), C width, H heads, D width of a head, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.model.kernels.attention import self_attention
from pretrace.model.kernels.dropout import Dropout, added
from pretrace.model.kernels.feed_forward import feed_forward
from pretrace.model.kernels.linear import linear
from pretrace.model.packed_sequences import Layout, packed_attention
from pretrace.settings import ModelSettings


class Block(nn.Module):
    """Attention and a position-wise network, each followed by a layer norm over the sum with its input (post-LN)."""

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
        n_BTC = self.norm_1(added(x_BTC, a_BTC, dropout))
        m_BTC = feed_forward(n_BTC, self.feed_forward_in, self.feed_forward_out)
        return self.norm_2(added(n_BTC, m_BTC, dropout))

    def _attend(self, x_BTC: Tensor, dropout: Dropout | None, layout: Layout | None) -> Tensor:
        if layout is not None:
            qkv_NX = _applied(self.query_key_value, x_BTC)
            return _applied(self.attention_output, packed_attention(qkv_NX, self.heads, dropout, layout))
        B, T, C = x_BTC.shape
        qkv_3BHTD = _applied(self.query_key_value, x_BTC).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        a_BHTD = self_attention(qkv_3BHTD, dropout)
        return _applied(self.attention_output, a_BHTD.transpose(1, 2).reshape(B, T, C))


def _applied(layer: nn.Linear, x: Tensor) -> Tensor:
    return linear(x, layer.weight, layer.bias)


class GPT(nn.Module):
    """Token and learned position embeddings, `layers` blocks, and an output tied to the token embeddings.

    Args:
        settings: sizes and the standard deviation of the initial weights.
        vocabulary_size: rows of the token table, special tokens included.
        seed: of the initial weights; the same seed gives the same bytes.
    """

    def __init__(self, settings: ModelSettings, vocabulary_size: int, seed: int = 0) -> None:
        super().__init__()
        self.settings = settings
        self.token_embedding = nn.Embedding(vocabulary_size, settings.width)
        self.position_embedding = nn.Embedding(settings.context, settings.width)
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.layers))
        self.training_block: Callable[..., Tensor] = Block.__call__
        """Runs a block where gradients are needed; pretrace.training.engine.compile puts a faster one here."""
        initialise(self, settings.initial_std, seed)

    @property
    def context(self) -> int:
        """Longest sequence, in tokens."""
        return self.settings.context

    @property
    def width(self) -> int:
        """Width of the hidden states."""
        return self.settings.width

    def hidden(
        self, ids_BT: Tensor, dropout: Dropout | None = None, layout: Layout | None = None
    ) -> tuple[Tensor, Tensor]:
        """Final hidden states (B, T, C) of token ids (B, T), and the output's weights (V, C) that go with them.

        A row is one sequence of T <= context tokens. With a `layout` ids are (N,), states (N, C), and `dropout` is the
        layout's; else it is that of the rows.
        """
        tokens_VC, positions_TC = self.token_embedding.weight, self.position_embedding.weight
        if layout is None:
            positions_TC = positions_TC[: ids_BT.shape[1]]
        on_table = self.settings.embedding_dropout == "table"
        if dropout and on_table:
            tokens_VC, positions_TC = dropout.table(tokens_VC), dropout.table(positions_TC)
        places = positions_TC if layout is None else F.embedding(layout.positions_N, positions_TC)
        x_BTC = F.embedding(ids_BT, tokens_VC) + places
        if dropout and not on_table:
            x_BTC = dropout(x_BTC)
        run = self.training_block if torch.is_grad_enabled() else Block.__call__
        for block in self.blocks:
            x_BTC = run(block, x_BTC, dropout, layout)
        return x_BTC, tokens_VC

    def output_states(self, h_BTC: Tensor) -> Tensor:
        """What the tied output is applied to: the hidden states themselves."""
        return h_BTC

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Logits (B, T, V) of token ids (B, T): scores of each next token."""
        return F.linear(*self.hidden(ids_BT))


@torch.no_grad()
def initialise(module: nn.Module, std: float, seed: int) -> None:
    """Draw weights and embeddings from N(0, std), set biases to 0 and layer-norm gains to 1 (section 4.1)."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            parameter.normal_(0.0, std, generator=generator)
        elif name.endswith("weight"):
            parameter.fill_(1.0)
        else:
            parameter.zero_()
