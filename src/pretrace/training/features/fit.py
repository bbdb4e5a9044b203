"""Training of a head with one seed: AdamW, the weights of the best pass on dev, and an end where dev gains no more.

Shapes: E examples, P parts of each, D width of a text's vector, K outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.schemas.finetuning import TaskCurvePoint
from pretrace.settings.models.head import HeadSettings
from pretrace.tasks.rows.kinds import TaskKind
from pretrace.tasks.rows.metrics import score
from pretrace.tasks.rows.targets import LabelScale
from pretrace.training.features.extract import Features, Pooled
from pretrace.training.features.head import FeatureHead

AT_ONCE = 64
"""Examples that are predicted together."""


@dataclass(frozen=True)
class FeatureRows:
    """A split: the features of its texts, in the order of rows and parts, and the labels."""

    features: Features
    labels_E: np.ndarray

    @property
    def parts(self) -> int:
        """P: texts of a row."""
        return len(self.features) // max(1, len(self.labels_E))


@dataclass(frozen=True)
class Fitted:
    """A head with the weights of its best pass, and how it came about."""

    head: FeatureHead
    scale: LabelScale
    dev_scores: list[float]
    """After each pass."""
    curve: list[TaskCurvePoint]

    def predict(self, rows: FeatureRows) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the predictions (E,), on the scale of the labels, and the probabilities (E, K), None for numbers."""
        values_E, probabilities_EK = _predict(self.head, rows)
        return self.scale.labels(values_E), probabilities_EK


def fit_head(
    kind: TaskKind,
    metric: str,
    outputs: int,
    settings: HeadSettings,
    train: FeatureRows,
    dev: FeatureRows,
    seed: int,
    device: str = "cpu",
) -> Fitted:
    """Train a head; the same rows, settings and seed give the same bytes.

    Raises:
        PretraceError: the loss is not finite.
    """
    features = train.features
    shape = features.states_SXLC if isinstance(features, Pooled) else features.states_NLC
    layers, width = shape.shape[-2:]
    head = FeatureHead(kind, settings, outputs, layers, width, seed).to(device)
    head.mix.fit(torch.from_numpy(shape).float().to(device))
    scale = kind.label_scale(train.labels_E, outputs)
    targets = torch.from_numpy(kind.targets(train.labels_E, outputs, scale)).to(device)
    trained = [parameter for parameter in head.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings.lr)
    noise = torch.Generator().manual_seed(seed)
    dev_scores: list[float] = []
    curve: list[TaskCurvePoint] = []
    best: dict[str, Tensor] = {}
    steps = 0
    for epoch in range(settings.epochs):
        losses = [
            _step(head, optimizer, train, indices, targets[indices], noise)
            for indices in _batches(len(train.labels_E), settings.batch_size, seed, epoch)
        ]
        steps += len(losses)
        curve.append(TaskCurvePoint(step=steps, loss=round(float(np.mean(losses)), 6)))
        dev_scores.append(score(metric, dev.labels_E, scale.labels(_predict(head, dev)[0])))
        if dev_scores[-1] > max(dev_scores[:-1], default=-np.inf):
            best = {name: value.detach().clone() for name, value in head.state_dict().items()}
        if epoch - int(np.argmax(dev_scores)) >= settings.patience:
            break
    head.load_state_dict(best)
    return Fitted(head, scale, dev_scores, curve)


def _step(
    head: FeatureHead,
    optimizer: torch.optim.Optimizer,
    rows: FeatureRows,
    indices: np.ndarray,
    targets: Tensor,
    noise: torch.Generator,
) -> float:
    loss = head.kind.loss(head.logits(_vectors(head, rows, indices), noise), targets)
    value = float(loss.detach())
    if not np.isfinite(value):
        raise PretraceError(f"head on features: the loss is {value}; head.lr: a lower learning rate usually helps")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return value


def _vectors(head: FeatureHead, rows: FeatureRows, indices: np.ndarray) -> Tensor:
    """Return the vectors (E, P, D) of the texts of some rows."""
    texts = (indices[:, None] * rows.parts + np.arange(rows.parts)).reshape(-1).tolist()
    return head.vectors(rows.features, texts).view(len(indices), rows.parts, -1)


@torch.no_grad()
def _predict(head: FeatureHead, rows: FeatureRows) -> tuple[np.ndarray, np.ndarray | None]:
    values, shares = [], []
    for first in range(0, len(rows.labels_E), AT_ONCE):
        indices = np.arange(first, min(len(rows.labels_E), first + AT_ONCE))
        logits_EK = head.logits(_vectors(head, rows, indices))
        values.append(head.kind.predictions(logits_EK).double().cpu().numpy())
        probabilities = head.kind.probabilities(logits_EK)
        if probabilities is not None:
            shares.append(probabilities.cpu().numpy())
    return np.concatenate(values), np.concatenate(shares) if shares else None


def _batches(examples: int, size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Return the numbers of the examples of each step of a pass, in an order drawn from (seed, epoch)."""
    order = np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(examples)
    return [order[first : first + size] for first in range(0, examples, size)]
