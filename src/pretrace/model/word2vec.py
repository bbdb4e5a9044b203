"""Word vectors as a model: the state of a token is its vector, whatever stands around it (Mikolov et al. 2013).

It predicts nothing, so it writes no text and has no likelihoods, and there is nothing to fine-tune: it is read by heads
on features. `pretrace.training.word2vec` trains it; the table that the vectors are trained against is not kept.

Shapes: B batch, T time, C width, V words.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pretrace.common.errors import PretraceError
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import ModelWithoutPositions
from pretrace.model.packed_sequences import Layout
from pretrace.settings.models.word2vec import Word2VecSettings


class Word2Vec(ModelWithoutPositions):
    """A table of word vectors; those of what is no word, such as the end of a document, are zero."""

    kind = "word2vec"
    settings_type = Word2VecSettings
    not_each_token = ("token_embedding",)
    settings: Word2VecSettings

    def __init__(self, settings: Word2VecSettings, vocabulary_size: int, context: int, seed: int = 0) -> None:
        super().__init__(settings, context)
        self.token_embedding = nn.Embedding(vocabulary_size, settings.width)
        if not self.token_embedding.weight.is_meta:
            with torch.no_grad():
                generator = torch.Generator().manual_seed(seed)
                self.token_embedding.weight.uniform_(-0.5, 0.5, generator=generator).div_(settings.width)

    @property
    def width(self) -> int:
        """Width of a vector."""
        return self.settings.width

    @property
    def is_causal(self) -> bool:
        """False: it predicts no next token."""
        return False

    def check_is_causal(self) -> None:
        """Raise `PretraceError`: nothing is predicted."""
        raise PretraceError("this model is of kind `word2vec`: vectors of words write no text and have no perplexity")

    def hidden(self, ids_BT: Tensor, dropout: Dropout | None = None, layout: Layout | None = None) -> Tensor:
        """Return the vectors (B, T, C) of words (B, T)."""
        x_BTC: Tensor = self.token_embedding(ids_BT)
        return x_BTC

    def traceable_hidden(self, ids_BT: Tensor) -> Tensor:
        """Return `hidden`."""
        return self.hidden(ids_BT)
