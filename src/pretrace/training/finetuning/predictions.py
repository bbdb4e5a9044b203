"""What a fine-tuned model answers, and how labels become what it is trained towards.

Shapes: E examples, K classes or choices, N tokens of a batch, C hidden width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.training.engine.device import Device
from pretrace.training.finetuning.batching import Examples
from pretrace.training.finetuning.task_head import TaskModel


@dataclass(frozen=True)
class Answers:
    """What a model answers to E examples, in their order."""

    predictions_E: np.ndarray
    """Numbers of classes or choices; of a regression the output or the mean class."""
    probabilities_EK: np.ndarray | None
    """Of each class or choice; None for regression."""


@torch.no_grad()
def predict(model: TaskModel, examples: Examples, device: Device, batch_size: int = 64) -> Answers:
    """A model's answers.

    Raises:
        PretraceError: a score is not finite.
    """
    count = len(examples.lengths)
    predictions_E, probabilities_EK = np.zeros(count), None
    order = np.argsort(examples.lengths, kind="stable")
    for first in range(0, len(order), batch_size):
        chosen = order[first : first + batch_size]
        batch = examples.batch(chosen).to(device.name)
        with device.autocast():
            h_NC = model.language_model.hidden(batch.ids_N, None, batch.layout)
        scores_EK = model.scores(h_NC[batch.classify_ES])
        if not torch.isfinite(scores_EK).all():
            raise PretraceError("fine-tuning: scores that are not finite; a lower learning rate usually helps")
        predictions_E[chosen] = _picked(scores_EK, model.kind).float().cpu().numpy()
        if model.kind != "regression":
            if probabilities_EK is None:
                probabilities_EK = np.zeros((count, scores_EK.shape[1]))
            probabilities_EK[chosen] = scores_EK.float().softmax(1).cpu().numpy()
    return Answers(predictions_E, probabilities_EK)


def _picked(scores_EK: Tensor, kind: str) -> Tensor:
    if kind != "regression":
        return scores_EK.argmax(1)
    if scores_EK.shape[1] == 1:
        return scores_EK.squeeze(1)
    return scores_EK.softmax(1) @ torch.arange(scores_EK.shape[1], dtype=scores_EK.dtype, device=scores_EK.device)


@dataclass(frozen=True)
class LabelScale:
    """How numbers are brought to mean 0 and spread 1, and back; 0 and 1 leave all as it is."""

    mean: float = 0.0
    spread: float = 1.0

    def labels(self, outputs_E: np.ndarray) -> np.ndarray:
        """What a model's outputs mean, on the scale of the labels."""
        return outputs_E if self == LabelScale() else outputs_E * self.spread + self.mean


def label_scale(kind: str, outputs: int, labels: np.ndarray) -> LabelScale:
    """The scale of the labels of the train rows."""
    if kind != "regression" or outputs > 1:
        return LabelScale()
    return LabelScale(float(labels.mean()), float(labels.std()) or 1.0)


def targets_of(kind: str, outputs: int, labels: np.ndarray, scale: LabelScale) -> Tensor:
    """What a model is trained towards for labels.

    Classes and choices are themselves. Numbers are brought to mean 0 and spread 1, or, with several outputs, become
    shares of the two classes next to them: 3.6 is 0.4 of class 3 and 0.6 of class 4 (Tai et al. 2015; the released
    code has such labels for STS-B).
    """
    if kind != "regression":
        return torch.from_numpy(labels)
    if outputs == 1:
        return torch.from_numpy((labels - scale.mean) / scale.spread).float()
    below = np.minimum(np.floor(labels).astype(int), outputs - 2)
    soft = np.zeros((len(labels), outputs), np.float32)
    soft[np.arange(len(labels)), below] = below + 1 - labels
    soft[np.arange(len(labels)), below + 1] = labels - below
    return torch.from_numpy(soft)
