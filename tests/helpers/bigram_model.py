"""A language model with given probabilities: each word depends only on the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.model import LanguageModel
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.packed_sequences import Layout
from pretrace.tokens.word_cache import WordVocabulary


class Words(WordVocabulary):
    """A vocabulary of whole words; 0 is the unknown one, 1 the line end."""

    def __init__(self, words: str) -> None:
        super().__init__(["<unk>", "\n", *(f"{word}</w>" for word in words.split())], 1, "</w>")
        self.unknown_id = 0

    def _encode(self, words: list[str]) -> Sequence[Sequence[int]]:
        known = {token: number for number, token in enumerate(self.tokens)}
        return [[known.get(f"{word}</w>", 0)] for word in words]


class MadeUpModel(LanguageModel):
    """A language model of which a test writes down only what it needs."""

    kind, attends, context, width = "made up", False, 16, 1

    @classmethod
    def create(cls, settings: Any, vocabulary_size: int, context: int, seed: int = 0) -> LanguageModel:
        raise NotImplementedError

    def hidden(self, ids_BT: Tensor, dropout: Dropout | None = None, layout: Layout | None = None) -> Tensor:
        raise NotImplementedError

    def traceable_hidden(self, ids_BT: Tensor) -> Tensor:
        raise NotImplementedError


class Bigrams(MadeUpModel):
    """`after[a][b]` is the probability of the word b after a; what is not given shares the rest evenly."""

    def __init__(self, vocabulary: Words, after: dict[str, dict[str, float]], context: int = 16) -> None:
        super().__init__()
        self.context, size = context, vocabulary.size
        table_VV = torch.full((size, size), 1 / size)
        for first, shares in after.items():
            (row,) = vocabulary.encode_words(first)
            table_VV[row] = (1 - sum(shares.values())) / (size - len(shares))
            for second, share in shares.items():
                table_VV[row, vocabulary.encode_words(second)] = share
        self.token_embedding = nn.Embedding(size, size)
        self.logits_VV = table_VV.log()

    def hidden(self, ids_BT: Tensor, dropout: Dropout | None = None, layout: Layout | None = None) -> Tensor:
        """Return the words themselves as states (B, T, V)."""
        return F.one_hot(ids_BT, len(self.logits_VV)).float()

    def output_weight(self, dropout: Dropout | None = None) -> Tensor:
        """Return a table (V, V) that gives the logits of the next word."""
        return self.logits_VV.T
