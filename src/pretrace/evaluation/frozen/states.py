"""Mean states of texts in every layer of a pre-trained model; of an LSTM in the last.

A text is read as in pre-training: after a document's end, without the special tokens of fine-tuning, whose embeddings
are not pre-trained. Its states are averaged over its own tokens; an empty text has the state of that end. Texts are
read in batches of similar length, padded on the right, where no token attends to padding.

Shapes: S texts, B texts in a batch, T tokens of the longest, C width, L layers: the embeddings and every block.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pretrace.model import LanguageModel
from pretrace.training.engine.device import Device
from pretrace.training.features.states import TOKENS_AT_ONCE, batches, layer_states, padded


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
    for chosen in batches([len(ids) for ids in read], tokens):
        lengths_B = torch.tensor([len(read[i]) for i in chosen])
        shares_BT = _shares(lengths_B).to(device.name)
        ids_BT = padded([read[i] for i in chosen]).to(device.name)
        states = layer_states(model, ids_BT, device, lengths_B.to(device.name))
        for layer, state_BTC in zip(range(max(layers) + 1), states, strict=False):
            if layer in layers:
                mean_BC = torch.einsum("bt,btc->bc", shares_BT, state_BTC.float())
                means_SLC[chosen, layers.index(layer)] = mean_BC.cpu().numpy()
    return means_SLC


def _shares(lengths_B: Tensor) -> Tensor:
    """Return the share of each token (B, T) in the mean: none of the first, unless there is nothing else."""
    places_T = torch.arange(int(lengths_B.max()))
    counted_BT = (places_T < lengths_B[:, None]) & (places_T >= (lengths_B > 1)[:, None].long())
    return counted_BT / counted_BT.sum(1, keepdim=True)
