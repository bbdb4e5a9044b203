"""The head on frozen features: a mix of layers, a vector for each text, one for each pair, a classifier.

Shapes: E examples, P parts of each, S vectors an example (1; a choice each), B texts, T tokens, L layers, C width,
D width of a text's vector, F features, K outputs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pretrace.settings.models.head import HeadSettings
from pretrace.tasks.rows.kinds import TaskKind
from pretrace.training.features.extract import Pooled, Sequences
from pretrace.training.features.pairs import pair_features, pair_width


class LayerMix(nn.Module):
    """The layers' weighted mean: softmax(w) and a factor, both learned (Peters et al. 2018, equation 1).

    Each feature is standardized before, by what it has in training; L = 1 is that alone.
    """

    def __init__(self, layers: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers))
        self.factor = nn.Parameter(torch.ones(()))
        self.mean = nn.Parameter(torch.zeros(shape), requires_grad=False)
        self.spread = nn.Parameter(torch.ones(shape), requires_grad=False)

    def fit(self, states: Tensor) -> None:
        """Set mean and spread to those of the training rows."""
        self.mean.copy_(states.mean(0))
        spread = states.std(0, correction=0)
        self.spread.copy_(torch.where(spread > 0, spread, 1.0))

    def forward(self, states: Tensor) -> Tensor:
        """Return (..., C) of states (..., L, C)."""
        shares_L = self.weights.softmax(0) * self.factor
        mixed: Tensor = torch.einsum("l,...lc->...c", shares_L, (states - self.mean) / self.spread)
        return mixed


class FeatureHead(nn.Module):
    """A head for tasks of one kind.

    Args:
        kind: of the task; it says how texts are paired.
        outputs: K: classes; 1 for regression and multiple choice.
        layers: L.
        width: C.
        seed: of the initial weights.
    """

    def __init__(
        self, kind: TaskKind, settings: HeadSettings, outputs: int, layers: int, width: int, seed: int
    ) -> None:
        super().__init__()
        self.kind, self.settings = kind, settings
        self.reads_tokens = settings.reads == "bilstm"
        self.mix = LayerMix(layers, (layers, width) if self.reads_tokens else (2, layers, width))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if self.reads_tokens:
                self.recurrent = nn.LSTM(width, settings.units, batch_first=True, bidirectional=True)
            features = pair_width(2 * (settings.units if self.reads_tokens else width), kind)
            if settings.hidden:
                self.hidden = nn.Linear(features, settings.hidden)
            self.classifier = nn.Linear(settings.hidden or features, outputs)

    def vectors(self, features: Pooled | Sequences, texts: list[int]) -> Tensor:
        """Return the vectors (B, D) of some texts, given their numbers."""
        if isinstance(features, Pooled):
            states_BXLC = torch.from_numpy(features.states_SXLC[texts]).to(self.mix.factor.device)
            x_BD: Tensor = self.mix(states_BXLC).flatten(1)
            return x_BD
        starts, ends = features.offsets[texts], features.offsets[[text + 1 for text in texts]]
        parts = [torch.from_numpy(features.states_NLC[a:b]) for a, b in zip(starts, ends, strict=True)]
        return self._read(parts)

    def _read(self, parts: list[Tensor]) -> Tensor:
        """Return the maximum over time (B, D) of the LSTM's states of texts (T, L, C each)."""
        lengths = [len(part) for part in parts]
        states_BTLC = nn.utils.rnn.pad_sequence(parts, batch_first=True).float().to(self.mix.factor.device)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.mix(states_BTLC), torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
        states_BTD, _ = nn.utils.rnn.pad_packed_sequence(
            self.recurrent(packed)[0], batch_first=True, padding_value=-torch.inf
        )
        return states_BTD.amax(1)

    def logits(self, vectors_EPD: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the logits (E, K) of examples, given the vectors of their parts.

        Args:
            generator: of dropout; None: no dropout.
        """
        x_ESF = self._dropped(pair_features(vectors_EPD, self.kind.symmetric), generator)
        if self.settings.hidden:
            x_ESF = self._dropped(torch.relu(self.hidden(x_ESF)), generator)
        return self.kind.logits(self.classifier(x_ESF))

    def _dropped(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        rate = self.settings.dropout
        if generator is None or not rate:
            return x
        keep = torch.rand(x.shape, generator=generator).to(x.device) >= rate
        return x * keep / (1 - rate)
