"""States of texts in every layer of a pre-trained model.

A text is read as pre-training reads a stretch of text that begins there: without the special tokens of fine-tuning,
whose embeddings are not pre-trained; between [CLS] and [SEP] if the vocabulary has them, as BERT's. Its states are
those of its own tokens. Texts are read in batches of similar length, padded on the right, where no token attends to
padding.

Shapes: S texts, B texts in a batch, T tokens of the longest, C width, L layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from pretrace.model.language_model import LanguageModel
from pretrace.training.engine.device import Device
from pretrace.training.engine.flops import flops_of_sequences

TOKENS_AT_ONCE = 8192
"""Tokens that the model reads at once, padding included."""


class BatchStates(NamedTuple):
    """States of the texts of a batch."""

    texts_B: np.ndarray
    """Their numbers among all."""
    layers: Iterator[Tensor]
    """States (B, T, C) of each layer, from the bottom; to be taken in order."""
    own_BT: Tensor
    """1 for each token that counts, else 0; none of a text without tokens."""


class StateReader(Protocol):
    """Gives the states of texts."""

    layers: int
    """L."""
    width: int
    """C."""

    def flops(self, lengths: np.ndarray) -> int:
        """Return the FLOPs of reading texts of so many tokens."""
        ...

    def read(self, texts: Sequence[np.ndarray], tokens: int = TOKENS_AT_ONCE) -> Iterator[BatchStates]:
        """Yield the states of all texts, given their ids, in batches.

        Args:
            tokens: read at once; changes rounding only.
        """
        ...


class ModelStates:
    """States of a language model, in the layers that it names.

    Args:
        first_id: token that begins a text; None if there is none.
        separator_id: token that ends it; None if there is none.
    """

    def __init__(
        self, model: LanguageModel, device: Device, first_id: int | None = None, separator_id: int | None = None
    ) -> None:
        self.model, self.device = model.eval().to(device.name), device
        self.before, self.behind = ([one] if one is not None else [] for one in (first_id, separator_id))
        self.layers = model.state_layers
        self.width = model.width

    def flops(self, lengths: np.ndarray) -> int:
        read = np.minimum(lengths + len(self.before) + len(self.behind), self.model.context)
        return flops_of_sequences(self.model, read, trained=False, predicts=False)

    @torch.no_grad()
    def read(self, texts: Sequence[np.ndarray], tokens: int = TOKENS_AT_ONCE) -> Iterator[BatchStates]:
        room = self.model.context - len(self.before) - len(self.behind)
        texts = [text[:room] for text in texts]
        empty = [0] if not self.before and not self.behind else []  # a token that is read and does not count
        sequences = [np.array([*self.before, *text, *self.behind, *([] if len(text) else empty)]) for text in texts]
        for chosen in batches([len(sequence) for sequence in sequences], tokens):
            ids_BT = padded([sequences[i] for i in chosen]).to(self.device.name)
            lengths_B = torch.tensor([len(sequences[i]) for i in chosen], device=self.device.name)
            places_T = torch.arange(ids_BT.shape[1]) - len(self.before)
            own_BT = (places_T >= 0) & (places_T < torch.tensor([len(texts[i]) for i in chosen])[:, None])
            layers = layer_states(self.model, ids_BT, self.device, lengths_B)
            yield BatchStates(chosen, layers, own_BT.float().to(self.device.name))


def layer_states(
    model: LanguageModel, ids_BT: Tensor, device: Device, lengths_B: Tensor | None = None
) -> Iterator[Tensor]:
    """Yield `model.layer_states`, computed in the device's precision."""
    layers = model.layer_states(ids_BT, lengths_B)
    for _ in range(model.state_layers):
        with device.autocast():  # not while the caller works with what it got
            state_BTC = next(layers)
        yield state_BTC


def padded(texts: list[np.ndarray]) -> Tensor:
    """Return ids (B, T), with zeros behind each text."""
    ids_BT = torch.zeros((len(texts), max(1, *map(len, texts))), dtype=torch.int64)
    for row, text in enumerate(texts):
        ids_BT[row, : len(text)] = torch.from_numpy(text.astype(np.int64))
    return ids_BT


def batches(lengths: list[int], tokens: int) -> Iterator[np.ndarray]:
    """Yield numbers of texts to read together, the longest first."""
    order = np.argsort(-np.array(lengths, np.int64), kind="stable")
    start = 0
    while start < len(order):
        end = start + max(1, tokens // lengths[order[start]])
        yield order[start:end]
        start = end
