"""The LSTM language model of the ablation (paper, section 5 and Table 5), with the transformer's interface.

The paper says only "a single layer 2048 unit LSTM". That its output is tied to its embeddings through a projection is
ours: without it the output alone would have more parameters than the transformer.
Shapes: B batch, T time, C hidden width, E width of the embeddings, V vocabulary.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.model.kernels.dropout import Dropout, dropped
from pretrace.model.packed_sequences import Layout
from pretrace.model.transformer import initialise
from pretrace.settings import LSTMSettings


class LSTM(nn.Module):
    """Token embeddings, a recurrent stack, a projection to the embeddings' width, and an output tied to them."""

    def __init__(self, settings: LSTMSettings, vocabulary_size: int, context: int, seed: int = 0) -> None:
        super().__init__()
        self.settings = settings
        self.context = context
        self.token_embedding = nn.Embedding(vocabulary_size, settings.embedding)
        self.recurrent = nn.LSTM(settings.embedding, settings.width, settings.layers, batch_first=True)
        self.projection = nn.Linear(settings.width, settings.embedding)
        initialise(self, settings.initial_std, seed)

    @property
    def width(self) -> int:
        """Width of the hidden states."""
        return self.settings.width

    def hidden(
        self, ids_BT: Tensor, dropout: Dropout | None = None, layout: Layout | None = None
    ) -> tuple[Tensor, Tensor]:
        """Hidden states (B, T, C) of token ids (B, T), and the output's weights (V, E) for them.

        With a `layout` ids are (N,) and states (N, C). It has no sequences that share a beginning: an LSTM could not
        look back past what it read last.
        """
        x_BTE = dropped(self.token_embedding(ids_BT), dropout)
        if layout is None:
            h_BTC, _ = self.recurrent(x_BTE)
        else:
            h_BTC = layout.by_group(x_BTE, lambda padded_BTE, _: self.recurrent(padded_BTE)[0])
        return dropped(h_BTC, dropout), self.token_embedding.weight

    def output_states(self, h_BTC: Tensor) -> Tensor:
        """What the tied output is applied to."""
        return self.projection(h_BTC)

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Logits (B, T, V) of token ids (B, T): scores of each next token."""
        h_BTC, tokens_VE = self.hidden(ids_BT)
        return F.linear(self.output_states(h_BTC), tokens_VE)
