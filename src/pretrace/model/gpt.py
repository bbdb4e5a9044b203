"""The decoder-only transformer of GPT-1 (paper, section 4.1; block order as in the released code).

Two quirks of the released fine-tuning code, which keeps tokens and positions in one table:

- its dropout falls on that table, before anything is looked up, so the tied output has the same holes: the setting
  `embedding_dropout: table`;
- its softmax over the vocabulary runs over the rows of the positions as well, which can never be right. That is left
  out, as in pre-training no such rows are next to the tokens' (Hugging Face's port has left it out, too).

Shapes, as suffixes of names: B batch, T time (tokens of a sequence), C width, H heads, D width of a head, V vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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

    def forward(self, x_BTC: Tensor, dropout: float) -> Tensor:
        n_BTC = self.norm_1(x_BTC + F.dropout(self._attend(x_BTC, dropout), dropout, training=dropout > 0))
        inner_BTF = F.gelu(self.feed_forward_in(n_BTC), approximate="tanh")
        m_BTC = self.feed_forward_out(inner_BTF)
        return self.norm_2(n_BTC + F.dropout(m_BTC, dropout, training=dropout > 0))

    def _attend(self, x_BTC: Tensor, dropout: float) -> Tensor:
        B, T, C = x_BTC.shape
        q_BHTD, k_BHTD, v_BHTD = self.query_key_value(x_BTC).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        a_BHTD = causal_attention(q_BHTD, k_BHTD, v_BHTD, dropout)
        return self.attention_output(a_BHTD.transpose(1, 2).reshape(B, T, C))


def causal_attention(q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor, dropout: float) -> Tensor:
    """Attention over the tokens up to each one's own; sequences are padded on the right, so none sees padding.

    On a GPU this is PyTorch's fused kernel. Its CPU kernel is slow in bfloat16 (docs/log.md), so there the
    few short rows are multiplied out.
    """
    if q_BHTD.device.type != "cpu" or q_BHTD.dtype == torch.float32:
        return F.scaled_dot_product_attention(q_BHTD, k_BHTD, v_BHTD, is_causal=True, dropout_p=dropout)
    T, D = q_BHTD.shape[-2:]
    hidden_TT = torch.full((T, T), -torch.inf, dtype=q_BHTD.dtype).triu(1)
    scores_BHTT = q_BHTD * D**-0.5 @ k_BHTD.transpose(-2, -1) + hidden_TT
    weights_BHTT = torch.softmax(scores_BHTT, -1, dtype=torch.float32).to(q_BHTD.dtype)
    return F.dropout(weights_BHTT, dropout, training=dropout > 0) @ v_BHTD


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
        initialise(self, settings.initial_std, seed)

    @property
    def context(self) -> int:
        """Longest sequence, in tokens."""
        return self.settings.context

    @property
    def width(self) -> int:
        """Width of the hidden states."""
        return self.settings.width

    def hidden(self, ids_BT: Tensor, dropout: float = 0.0) -> tuple[Tensor, Tensor]:
        """Final hidden states (B, T, C) of token ids (B, T), T <= context, and the output's weights (V, C) for them."""
        T = ids_BT.shape[1]
        tokens_VC, positions_TC = self.token_embedding.weight, self.position_embedding.weight[:T]
        on_table = self.settings.embedding_dropout == "table" and dropout > 0
        if on_table:
            tokens_VC, positions_TC = F.dropout(tokens_VC, dropout), F.dropout(positions_TC, dropout)
        x_BTC = F.embedding(ids_BT, tokens_VC) + positions_TC
        if not on_table:
            x_BTC = F.dropout(x_BTC, dropout, training=dropout > 0)
        for block in self.blocks:
            x_BTC = block(x_BTC, dropout)
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
