"""Mean states of texts in every layer of a pre-trained model; of an LSTM in the last.

A text is read as in pre-training: after a document's end, without the special tokens of fine-tuning, whose embeddings
are not pre-trained. Its states are averaged over its own tokens; an empty text has the state of that end. Texts are
read in batches of similar length, padded on the right, where no token attends to padding.

Shapes: S texts, B texts in a batch, T tokens of the longest, C width, L layers: the embeddings and every block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from pretrace.model import LanguageModel, Transformer
from pretrace.training.engine.device import Device

TOKENS_AT_ONCE = 8192
"""Tokens that the model reads at once, padding included."""


@torch.no_grad()
def mean_states(
    model: LanguageModel,
    texts: Sequence[np.ndarray],
    document_end_id: int,
    layers: Sequence[int],
    device: Device,
    tokens: int = TOKENS_AT_ONCE,
) -> np.ndarray:
    """Return the mean state of each text in some layers (S, len(layers), C), float32.

    Args:
        texts: ids of each; one longer than the context loses its end.
        layers: in order; 0 are the embeddings, n the output of the n-th block; 0 of a model without blocks: its output.
        tokens: read at once; changes rounding only.
    """
    read = [np.concatenate([[document_end_id], text]).astype(np.int64)[: model.context] for text in texts]
    means_SLC = np.zeros((len(texts), len(layers), model.width), np.float32)
    for chosen in _batches([len(ids) for ids in read], tokens):
        ids_BT, counted_BT = _padded([read[i] for i in chosen])
        shares_BT = (counted_BT / counted_BT.sum(1, keepdim=True)).to(device.name)
        states = layer_states(model, ids_BT.to(device.name), device)
        for layer, state_BTC in zip(range(max(layers) + 1), states, strict=False):
            if layer in layers:
                mean_BC = torch.einsum("bt,btc->bc", shares_BT, state_BTC.float())
                means_SLC[chosen, layers.index(layer)] = mean_BC.cpu().numpy()
    return means_SLC


def layer_states(model: LanguageModel, ids_BT: Tensor, device: Device) -> Iterator[Tensor]:
    """Yield the states (B, T, C) of every layer, the embeddings first; the last are those of `model.hidden`.

    Of a model that is no transformer those alone: its layers differ in width.
    """
    if not isinstance(model, Transformer):
        with device.autocast():
            h_BTC = model.hidden(ids_BT)
        yield h_BTC
        return
    x_BTC = model.embedded(ids_BT)
    yield x_BTC
    for number, block in enumerate(model.blocks, 1):
        with device.autocast():
            x_BTC = block(x_BTC, None)
            if number == len(model.blocks):
                x_BTC = model.normed(x_BTC)
        yield x_BTC


def _padded(texts: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Return ids (B, T), and 1 for each token that counts (B, T): not the first, unless there is nothing else."""
    shape = (len(texts), max(map(len, texts)))
    ids_BT, counted_BT = torch.zeros(shape, dtype=torch.int64), torch.zeros(shape)
    for row, text in enumerate(texts):
        ids_BT[row, : len(text)] = torch.from_numpy(text)
        counted_BT[row, min(1, len(text) - 1) : len(text)] = 1
    return ids_BT, counted_BT


def _batches(lengths: list[int], tokens: int) -> Iterator[np.ndarray]:
    """Yield numbers of texts to read together, the longest first."""
    order = np.argsort(-np.array(lengths, np.int64), kind="stable")
    start = 0
    while start < len(order):
        end = start + max(1, tokens // lengths[order[start]])
        yield order[start:end]
        start = end
