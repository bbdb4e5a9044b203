"""Mean log-probabilities of the texts of a batch, from those of its predicted tokens.

Special tokens are of no text. A text that is empty has the mean 0.

Shapes: E examples, S sequences each, P texts of a sequence (1 or 2), A texts of an example that are also read alone,
K predicted tokens, T tokens of texts (a token of a shared beginning counts for each of its choices).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from pretrace.tasks.rows.input_formats import InputFormat


@dataclass(frozen=True)
class TextTokens:
    """Which predicted tokens are of which text: the texts of an example's sequences first, then those read alone."""

    shape: tuple[int, int, int, int]
    """(E, S, P, A)."""
    tokens_T: Tensor
    """Indices of predicted tokens."""
    texts_T: Tensor
    """Index of the text of each, among all E * (S * P + A)."""
    weights_T: Tensor
    """1 / number of the text's tokens, float32."""

    def to(self, device: str) -> TextTokens:
        """Return the same on another device."""
        moved = (self.tokens_T.to(device), self.texts_T.to(device), self.weights_T.to(device))
        return replace(self, tokens_T=moved[0], texts_T=moved[1], weights_T=moved[2])

    def means(self, log_probability_K: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean log-probability of each text: (E, S, P) of those in sequences, (E, A) of those alone."""
        E, S, P, A = self.shape
        sums = log_probability_K.new_zeros(E * (S * P + A))
        sums = sums.index_add(0, self.texts_T, log_probability_K[self.tokens_T] * self.weights_T).view(E, -1)
        return sums[:, : S * P].reshape(E, S, P), sums[:, S * P :]


def tokens_of_texts(
    examples: Sequence[Sequence[np.ndarray]],
    alone: Sequence[Sequence[np.ndarray]],
    texts_per_sequence: int,
    beginnings: Sequence[int] | None,
    firsts: np.ndarray,
    form: InputFormat,
) -> TextTokens:
    """Return the tokens of the texts of a batch.

    Args:
        examples: the sequences of each example.
        alone: the sequences of each example with one text alone.
        texts_per_sequence: P.
        beginnings: number of ids that the sequences of each example share; None if each is read by itself.
        firsts: index of the first predicted token of each unit: of all examples, then of all sequences alone.
        form: GPT-1's, whose special tokens have the highest ids.
    """
    S, P, A = len(examples[0]), texts_per_sequence, len(alone[0])
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(sequence: np.ndarray, predicted: np.ndarray, first_text: int) -> None:
        """Add a sequence; `predicted` are the indices of its tokens among the predicted ones."""
        in_text = sequence < form.start
        texts = first_text + np.cumsum(sequence == form.delimiter)[in_text]
        counts = np.bincount(texts)[texts]
        found.append((predicted[in_text], texts, 1 / counts))

    for number, sequences in enumerate(examples):
        start = number * (S * P + A)
        behind = 0
        for s, sequence in enumerate(sequences):
            places = np.arange(len(sequence)) - 1
            if beginnings is None:
                places = places + firsts[number * S + s]
            else:
                shared = beginnings[number]
                places = places + firsts[number] + behind * (places >= shared - 1)
                behind += len(sequence) - shared
            add(sequence, places, start + s * P)
        units = len(examples) * (S if beginnings is None else 1)
        for a, sequence in enumerate(alone[number]):
            add(sequence, np.arange(len(sequence)) - 1 + firsts[units + number * A + a], start + S * P + a)
    tokens, texts, weights = (torch.from_numpy(np.concatenate(one)) for one in zip(*found, strict=True))
    return TextTokens((len(examples), S, P, A), tokens, texts, weights.float())
