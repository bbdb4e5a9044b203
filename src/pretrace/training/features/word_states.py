"""States of texts from word vectors: one layer, a vector a word, whatever stands around it.

A word whose vector is zero has none, and is left out: the unknown word, and the end of a document.

Shapes: B texts in a batch, T words of the longest, V words, C width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from pretrace.training.features.states import TOKENS_AT_ONCE, BatchStates, batches, padded


class WordStates:
    """Reads texts by looking their words up in a table of vectors (V, C), float32."""

    layers = 1

    def __init__(self, vectors_VC: np.ndarray) -> None:
        self.width = vectors_VC.shape[1]
        self._has_vector = np.asarray(vectors_VC.any(1))
        self._table = torch.from_numpy(vectors_VC)

    def flops(self, lengths: np.ndarray) -> int:
        """Return 0: looking up is no arithmetic."""
        return 0

    def read(self, texts: Sequence[np.ndarray], tokens: int = TOKENS_AT_ONCE) -> Iterator[BatchStates]:
        """Yield the states of all texts, given their word numbers, in batches."""
        known = [text[self._has_vector[text]] for text in texts]
        for chosen in batches([max(1, len(words)) for words in known], tokens):
            ids_BT = padded([known[i] for i in chosen])
            lengths_B = torch.tensor([len(known[i]) for i in chosen])
            own_BT = (torch.arange(ids_BT.shape[1]) < lengths_B[:, None]).float()
            yield BatchStates(chosen, iter([self._table[ids_BT]]), own_BT)
