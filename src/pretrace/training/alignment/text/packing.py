"""Texts of different lengths as one row of tokens, and the tokens that training predicts in them.

Without padding there is nothing that a loss could count by mistake: whatever is in the row belongs to a text.

Shapes: B texts, N tokens of all, K trained tokens of all, C hidden width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel
from pretrace.model.packed_sequences import Layout, PackedDropout, PaddedBatch
from pretrace.training.alignment.text.conversation import Rendered


@dataclass(frozen=True)
class PackedTexts:
    """Texts as a language model reads them at once."""

    ids_N: Tensor
    layout: Layout
    places_K: Tensor
    """Place of the state that each trained token is predicted from."""
    targets_K: Tensor
    counts_B: Tensor
    """Trained tokens of each text; those of a text follow each other."""
    last_B: Tensor
    """Place of each text's last token."""

    @classmethod
    def of(cls, texts: Sequence[Rendered], device: str = "cpu") -> PackedTexts:
        """Pack texts, on the right device; each has a trained token, and never its first."""
        lengths = np.array([len(text.ids_T) for text in texts])
        longest = int(lengths.max())
        real_BT = np.arange(longest) < lengths[:, None]
        index_M = None if real_BT.all() else torch.from_numpy(np.flatnonzero(real_BT))
        positions_N = torch.from_numpy(np.broadcast_to(np.arange(longest), real_BT.shape)[real_BT].copy())
        batch = PaddedBatch(tuple(range(len(texts))), tuple(lengths.tolist()), longest, index_M)
        ids_N = np.concatenate([text.ids_T for text in texts])
        trained_K = np.flatnonzero(np.concatenate([text.trained_T for text in texts]))
        counts = [int(text.trained_T.sum()) for text in texts]
        assert min(counts) and not any(text.trained_T[0] for text in texts)
        return cls(
            ids_N=torch.from_numpy(ids_N).to(device),
            layout=Layout(positions_N, (batch,)).to(device),
            places_K=torch.from_numpy(trained_K - 1).to(device),
            targets_K=torch.from_numpy(ids_N[trained_K]).to(device),
            counts_B=torch.tensor(counts, device=device),
            last_B=torch.from_numpy(np.cumsum(lengths) - 1).to(device),
        )

    def states(self, model: LanguageModel, dropout: Dropout | None = None) -> Tensor:
        """Return the hidden states (N, C) of all tokens."""
        return model.hidden(self.ids_N, dropout, self.layout)

    def dropout(self, rate: float, seed: int, step: int) -> PackedDropout | None:
        """Return the dropout of an optimizer step; each text has masks of its own."""
        return PackedDropout(rate, seed, step, len(self.counts_B), self.layout) if rate else None

    def sums(self, values_K: Tensor) -> Tensor:
        """Return the sum (B,) over each text's trained tokens."""
        owners_K = torch.repeat_interleave(torch.arange(len(self.counts_B), device=values_K.device), self.counts_B)
        return torch.zeros(len(self.counts_B), device=values_K.device).index_add(0, owners_K, values_K)


def check_fits(texts: Sequence[Rendered], context: int, what: str) -> None:
    """Check that a model reads texts as a whole.

    Raises:
        PretraceError: the longest does not fit the context.
    """
    longest = max(len(text.ids_T) for text in texts)
    if longest > context:
        raise PretraceError(f"{what}: a text of {longest} tokens; the model reads {context} at once")
