"""From labels that are numbers to training targets, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelScale:
    """Mean and spread of the training labels, which are standardized with them; 0 and 1 leave all as it is."""

    mean: float = 0.0
    spread: float = 1.0

    @classmethod
    def of(cls, labels: np.ndarray) -> LabelScale:
        """Return the scale of labels."""
        return cls(float(labels.mean()), float(labels.std()) or 1.0)

    def standardized(self, labels: np.ndarray) -> np.ndarray:
        """Return labels with mean 0 and spread 1, float32."""
        return ((labels - self.mean) / self.spread).astype(np.float32)

    def labels(self, outputs_E: np.ndarray) -> np.ndarray:
        """Return a model's outputs on the scale of the labels."""
        return outputs_E if self == LabelScale() else outputs_E * self.spread + self.mean


def shares_of_classes(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return labels (E,) from 0 to classes - 1 as shares (E, K) of the two classes next to each, float32.

    3.6 is 0.4 of class 3 and 0.6 of class 4 (Tai et al. 2015; the released code has such labels for STS-B).
    """
    below = np.minimum(np.floor(labels).astype(int), classes - 2)
    shares = np.zeros((len(labels), classes), np.float32)
    shares[np.arange(len(labels)), below] = below + 1 - labels
    shares[np.arange(len(labels)), below + 1] = labels - below
    return shares
