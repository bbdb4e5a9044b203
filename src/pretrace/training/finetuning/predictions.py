"""The predictions of a fine-tuned model.

Shapes: E examples, K classes or choices, N tokens of a batch, C hidden width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from pretrace.common.errors import PretraceError
from pretrace.training.engine.device import Device
from pretrace.training.finetuning.batching import Examples
from pretrace.training.finetuning.task_head import TaskModel


@dataclass(frozen=True)
class Predictions:
    """The predictions for E examples, in their order."""

    values_E: np.ndarray
    """Indices of classes or choices; of a regression the output or the mean class."""
    probabilities_EK: np.ndarray | None
    """Of each class or choice; None for regression."""


@torch.no_grad()
def predict(model: TaskModel, examples: Examples, device: Device, batch_size: int = 64) -> Predictions:
    """Return a model's predictions.

    Raises:
        PretraceError: a logit is not finite.
    """
    count = len(examples.lengths)
    values_E, probabilities_EK = np.zeros(count), None
    order = np.argsort(examples.lengths, kind="stable")
    for first in range(0, len(order), batch_size):
        indices = order[first : first + batch_size]
        batch = examples.batch(indices).to(device.name)
        read = model.read(batch, device)
        logits_EK = model.logits(read.state_NSC, None, read.likelihood_NSL)
        if not torch.isfinite(logits_EK).all():
            raise PretraceError("fine-tuning: logits that are not finite; a lower learning rate usually helps")
        values_E[indices] = model.kind.predictions(logits_EK).float().cpu().numpy()
        shares_EK = model.kind.probabilities(logits_EK)
        if shares_EK is not None:
            if probabilities_EK is None:
                probabilities_EK = np.zeros((count, shares_EK.shape[1]))
            probabilities_EK[indices] = shares_EK.cpu().numpy()
    return Predictions(values_E, probabilities_EK)
