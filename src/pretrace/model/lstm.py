"""The LSTM language model of the ablation (paper, section 5 and Table 5).

The paper says only "a single layer 2048 unit LSTM". The output tied to the embeddings through a projection is ours: an
output of its own would have more parameters than the whole transformer.
Shapes: B batch, T time, C hidden width, E width of the embeddings, V vocabulary.
"""

from __future__ import annotations

from torch import Tensor, nn

from pretrace.model.kernels.dropout import Dropout, with_dropout
from pretrace.model.language_model import ModelWithoutPositions, initialize
from pretrace.model.packed_sequences import Layout
from pretrace.settings import LSTMSettings


class LSTM(ModelWithoutPositions):
    """Token embeddings, a recurrent stack, a projection to the embeddings' width, and an output tied to them."""

    kind = "lstm"
    settings_type = LSTMSettings
    bfloat16_on_any_cpu = False
    settings: LSTMSettings

    def __init__(self, settings: LSTMSettings, vocabulary_size: int, context: int, seed: int = 0) -> None:
        super().__init__(settings, context)
        self.token_embedding = nn.Embedding(vocabulary_size, settings.embedding)
        self.recurrent = nn.LSTM(settings.embedding, settings.width, settings.layers, batch_first=True)
        self.projection = nn.Linear(settings.width, settings.embedding)
        initialize(self, settings.initial_std, seed)

    @property
    def width(self) -> int:
        """Width of the hidden states."""
        return self.settings.width

    def hidden(self, ids_BT: Tensor, dropout: Dropout | None = None, layout: Layout | None = None) -> Tensor:
        """Return the hidden states (B, T, C) of token ids (B, T); with a `layout`, (N, C) of (N,).

        The layout has no sequences that share a beginning: an LSTM cannot look back past the token that it read last.
        """
        x_BTE = with_dropout(self.token_embedding(ids_BT), dropout)
        if layout is None:
            h_BTC, _ = self.recurrent(x_BTE)
        else:
            h_BTC = layout.map_batches(x_BTE, lambda padded_BTE, _: self.recurrent(padded_BTE)[0])
        return with_dropout(h_BTC, dropout)

    def output_states(self, h_BTC: Tensor) -> Tensor:
        """Return the hidden states projected to the embeddings' width (B, T, E)."""
        x_BTE: Tensor = self.projection(h_BTC)
        return x_BTE

    def traceable_hidden(self, ids_BT: Tensor) -> Tensor:
        """Return `hidden` (B, T, C) without dropout."""
        h_BTC: Tensor = self.recurrent(self.token_embedding(ids_BT))[0]
        return h_BTC
