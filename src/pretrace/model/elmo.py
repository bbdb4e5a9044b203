"""ELMo's bidirectional language model: two LSTMs that never see each other (Peters et al. 2018, sections 3.1 to 3.4).

The forward one reads from the left and predicts the next token, the backward one from the right and predicts the one
before; they share the token embeddings, which are also the output (tied: ours, as for the pipeline's LSTM). Each LSTM's
units are projected to the embeddings' width, and what a layer above the first adds is added to its input.

Without: clipping of cells and projections (bilm-tf, at 3), and states carried from batch to batch, which make results
depend on the order of texts.

Shapes: B batch, T time, E width of embeddings and projections, L layers, the embeddings among them.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from pretrace.common.errors import PretraceError
from pretrace.model.kernels.dropout import Dropout, with_dropout
from pretrace.model.language_model import ModelWithoutPositions, initialize
from pretrace.model.packed_sequences import Layout
from pretrace.settings.models.elmo import ElmoSettings


class DirectedStack(nn.Module):
    """The LSTMs of one direction."""

    def __init__(self, settings: ElmoSettings) -> None:
        super().__init__()
        E, width = settings.embedding, settings.width
        self.layers = nn.ModuleList(nn.LSTM(E, width, batch_first=True, proj_size=E) for _ in range(settings.layers))

    def forward(self, x_BTE: Tensor, dropout: Dropout | None = None) -> list[Tensor]:
        """Return the output (B, T, E) of each layer for inputs in the order in which they are read."""
        states = []
        for number, layer in enumerate(self.layers):
            h_BTE = with_dropout(layer(x_BTE)[0], dropout)
            x_BTE = h_BTE if number == 0 else x_BTE + h_BTE
            states.append(x_BTE)
        return states


class Elmo(ModelWithoutPositions):
    """Token embeddings and a stack of LSTMs for each direction; its states are [forward; backward]."""

    kind = "elmo"
    settings_type = ElmoSettings
    settings: ElmoSettings

    def __init__(self, settings: ElmoSettings, vocabulary_size: int, context: int, seed: int = 0) -> None:
        super().__init__(settings, context)
        self.token_embedding = nn.Embedding(vocabulary_size, settings.embedding)
        self.forward_stack = DirectedStack(settings)
        self.backward_stack = DirectedStack(settings)
        initialize(self, settings.initial_std, seed)
        self._open_forget_gates()

    @torch.no_grad()
    def _open_forget_gates(self) -> None:
        """Set the biases of forget gates to 1 (Jozefowicz et al. 2015): one of PyTorch's two, which are added."""
        width = self.settings.width
        for name, parameter in self.named_parameters():
            if "bias_ih" in name and not parameter.is_meta:  # gates are input, forget, cell, output
                parameter[width : 2 * width] = 1.0

    @property
    def width(self) -> int:
        """Width of a layer's states: both directions."""
        return 2 * self.settings.embedding

    @property
    def is_causal(self) -> bool:
        """False: its states are of both directions."""
        return False

    def check_is_causal(self) -> None:
        """Raise `PretraceError`: tokens are predicted from both sides, apart."""
        raise PretraceError("this model is of kind `elmo`: it reads texts from both ends, and writes none")

    def hidden(self, ids_BT: Tensor, dropout: Dropout | None = None, layout: Layout | None = None) -> Tensor:
        """Return the states (B, T, 2 E) of the last layer."""
        return self._states(ids_BT, dropout=dropout)[-1]

    def traceable_hidden(self, ids_BT: Tensor) -> Tensor:
        """Return `hidden` without dropout."""
        return self.hidden(ids_BT)

    @property
    def state_layers(self) -> int:
        """The embeddings, and each LSTM."""
        return self.settings.layers + 1

    def layer_states(self, ids_BT: Tensor, lengths_B: Tensor | None = None) -> Iterator[Tensor]:
        """Yield the states (B, T, 2 E) of each layer: the embeddings twice, then [forward; backward] of each LSTM."""
        yield from self._states(ids_BT, lengths_B)

    def _states(self, ids_BT: Tensor, lengths_B: Tensor | None = None, dropout: Dropout | None = None) -> list[Tensor]:
        with torch.autocast(ids_BT.device.type, enabled=False):  # not every CPU has LSTMs in bfloat16
            x_BTE = with_dropout(self.token_embedding(ids_BT), dropout)
            forward = self.forward_stack(x_BTE, dropout)
            backward = [turned(h, lengths_B) for h in self.backward_stack(turned(x_BTE, lengths_B), dropout)]
        return [torch.cat(pair, 2) for pair in zip([x_BTE, *forward], [x_BTE, *backward], strict=True)]

    def predicting_states(self, ids_BT: Tensor, dropout: Dropout | None = None) -> tuple[Tensor, Tensor]:
        """Return the states that predict tokens, (B, T - 1, E) each.

        The first predict the tokens from the second on, the others the tokens up to the last but one.
        """
        h_BTX = self._states(ids_BT, dropout=dropout)[-1]
        forward_BTE, backward_BTE = h_BTX.split(self.settings.embedding, 2)
        return forward_BTE[:, :-1], backward_BTE[:, 1:]


def turned(x_BTE: Tensor, lengths_B: Tensor | None) -> Tensor:
    """Return sequences from their ends to their beginnings; padding stays behind them."""
    if lengths_B is None:
        return x_BTE.flip(1)
    places_T = torch.arange(x_BTE.shape[1], device=x_BTE.device)
    index_BT = torch.where(places_T < lengths_B[:, None], lengths_B[:, None] - 1 - places_T, places_T)
    return x_BTE.gather(1, index_BT[:, :, None].expand_as(x_BTE))
