"""Fit a classifier to the model as it starts, before both are fine-tuned (Kumar et al. 2022: LP-FT).

A random classifier sends random gradients into a pre-trained model, and takes as long to find a scale for what it
reads. Fitted first, it begins where a linear classifier on the frozen model ends.

Shapes: E examples, S sequences each, C hidden width, L log-probabilities.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pretrace.training.engine.device import Device
from pretrace.training.finetuning.batching import Examples
from pretrace.training.finetuning.task_head import TaskModel

ROWS, BATCH = 1000, 64
"""Most training rows that the classifier is fitted to, and rows that are read at once."""
STRENGTHS = 0.1, 0.01, 0.001, 0.0001
"""Inverse strengths of the squared penalty on the weights of the states, as scikit-learn's `C`. Of 128 numbers of a
state a thousand rows teach what is noise, so it decides more than the rate does, and each task needs another
(docs/log.md)."""
LIKELIHOOD_STRENGTH = 1.0
"""That on the weights of the log-probabilities: few, and standardized."""
LEFT_OUT = 5
"""One row of so many is left out while the strength is chosen."""
FEW = 50
"""Rows below which there is nothing to choose by: they take the strongest penalty."""
ITERATIONS = 100


def head_rows(count: int) -> np.ndarray:
    """Return which of so many training rows the classifier is fitted to: drawn at random, as a file may be sorted."""
    return np.sort(np.random.Generator(np.random.Philox(key=ROWS)).permutation(count)[:ROWS])


class _Known(NamedTuple):
    """Inputs of the classifier for some rows, and their targets."""

    state_ESC: Tensor
    likelihood_ESL: Tensor
    targets: Tensor

    def take(self, numbers: Tensor) -> _Known:
        """Return some of the rows."""
        return _Known(*(one[numbers] for one in self))

    def loss(self, model: TaskModel) -> Tensor:
        """Return the task's loss, a mean over the rows."""
        return model.kind.loss(model.logits(self.state_ESC, None, self.likelihood_ESL), self.targets)


def fit_head(
    model: TaskModel, examples: Examples, targets: Tensor, device: Device, strength: float | None = None
) -> None:
    """Set the classifier, and the scale of the log-probabilities, by training rows and the model as it is.

    The minimum is the task's loss plus the penalty, found by L-BFGS: the same bytes each time.

    Args:
        strength: of the penalty on the weights of the states; None: the one of `STRENGTHS` whose fit to four fifths of
            the rows has the least loss on the others.
    """
    rows = head_rows(len(targets))
    known = _Known(*_read(model, examples, rows, device), targets[rows].to(device.name))
    with torch.no_grad():
        model.likelihood_mean.copy_(known.likelihood_ESL.mean((0, 1)))
        model.likelihood_spread.copy_(known.likelihood_ESL.std((0, 1), correction=0).clamp_min(1e-6))
    _fit(model, known, strength or _best_strength(model, known))


def _best_strength(model: TaskModel, known: _Known) -> float:
    """Return the strength by which a fit to some of the rows has the least loss on the others."""
    numbers = torch.arange(len(known.targets), device=known.targets.device)
    if len(numbers) < FEW:
        return STRENGTHS[-1]
    fitted, left_out = known.take(numbers[numbers % LEFT_OUT > 0]), known.take(numbers[::LEFT_OUT])

    def loss_left_out(strength: float) -> float:
        _fit(model, fitted, strength)
        with torch.no_grad():
            return float(left_out.loss(model))

    return min(STRENGTHS, key=loss_left_out)


def _fit(model: TaskModel, known: _Known, strength: float) -> None:
    """Set the classifier to the minimum of the loss and the penalty."""
    weight_KI, width = model.classifier.weight, known.state_ESC.shape[-1]
    optimizer = torch.optim.LBFGS(model.classifier.parameters(), max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        of_states, of_likelihoods = weight_KI[:, :width].square().sum(), weight_KI[:, width:].square().sum()
        penalty = of_states / strength + of_likelihoods / LIKELIHOOD_STRENGTH
        total = known.loss(model) + penalty / (2 * len(known.targets))
        total.backward()
        return total

    optimizer.step(loss)
    optimizer.zero_grad()


@torch.no_grad()
def _read(model: TaskModel, examples: Examples, rows: np.ndarray, device: Device) -> tuple[Tensor, Tensor]:
    """Return the states (E, S, C) and log-probabilities (E, S, L) of rows, the states before they are combined."""
    order = rows[np.argsort(examples.lengths[rows], kind="stable")]
    states: list[Tensor] = []
    likelihoods: list[Tensor] = []
    for first in range(0, len(order), BATCH):
        read = model.read(examples.batch(order[first : first + BATCH]).to(device.name), device)
        assert read.likelihood_NSL is not None
        states.append(read.state_NSC.float())
        likelihoods.append(read.likelihood_NSL)
    back = torch.from_numpy(np.argsort(order, kind="stable"))
    return torch.cat(states)[back], torch.cat(likelihoods)[back]
