"""A linear classifier on mean states: logistic regression, for numbers ridge regression (scikit-learn).

Each feature is standardized. Pairs are compared as `pretrace.training.features.pairs` says, and all choices share one
score. Layer and regularization are chosen on dev.

Shapes: E examples, P parts of each, L layers, C width, F features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pretrace.schemas.baselines import Candidate
from pretrace.tasks.rows.kinds import TaskKind
from pretrace.tasks.rows.metrics import score
from pretrace.training.features.pairs import pair_features

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse strengths of regularization that are tried, of standardized features."""


@dataclass(frozen=True)
class StateRows:
    """Mean states of the parts of each row in some layers, and the labels."""

    states_EPLC: np.ndarray
    labels_E: np.ndarray


@dataclass(frozen=True)
class Head:
    """A classifier that was fitted on one layer."""

    kind: TaskKind
    layer: int
    """Position among the layers that it was chosen from."""
    model: Any
    """A pipeline of scikit-learn."""

    def predict(self, states_EPC: np.ndarray) -> np.ndarray:
        """Return the class, the choice or the number of each example (E,), from states of its layer."""
        features = features_of(states_EPC, self.kind.symmetric)
        if self.kind.chooses:
            return self.model.decision_function(features).reshape(len(states_EPC), -1).argmax(1)
        return self.model.predict(features)


def best_head(kind: TaskKind, metric: str, train: StateRows, dev: StateRows) -> tuple[Head, list[Candidate]]:
    """Return the classifier that is best on dev, the first of equals, and how each layer and strength did there."""
    import sklearn.linear_model  # noqa: F401  (before the limit, which applies to loaded libraries)
    from threadpoolctl import threadpool_limits

    best: Head | None = None
    candidates: list[Candidate] = []
    with threadpool_limits(1):  # matrices are small, so threads wait for each other
        for layer in range(train.states_EPLC.shape[2]):
            features = features_of(train.states_EPLC[:, :, layer], kind.symmetric)
            for strength in STRENGTHS:
                head = Head(kind, layer, _fitted(kind, strength, features, train.labels_E))
                reached = round(score(metric, dev.labels_E, head.predict(dev.states_EPLC[:, :, layer])), 6)
                if best is None or reached > max(one.dev for one in candidates):
                    best = head
                candidates.append(Candidate(settings={"layer": layer, "C": strength}, dev=reached))
    assert best is not None
    return best, candidates


def features_of(states_EPC: np.ndarray, symmetric: bool) -> np.ndarray:
    """Return what the classifier reads (E, F); with more than two parts, of each pair of the first with another."""
    return pair_features(torch.from_numpy(states_EPC), symmetric).flatten(0, 1).numpy()


def _fitted(kind: TaskKind, strength: float, features: np.ndarray, labels_E: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind.numeric:
        return make_pipeline(StandardScaler(), Ridge(alpha=1 / strength)).fit(features, labels_E)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
    if kind.chooses:  # is this choice the right one?
        choices = len(features) // len(labels_E)
        return model.fit(features, (np.arange(choices) == labels_E[:, None]).reshape(-1).astype(int))
    return model.fit(features, labels_E)
