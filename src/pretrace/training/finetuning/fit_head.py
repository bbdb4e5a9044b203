"""Fit a classifier to the model as it starts, before both are fine-tuned (Kumar et al. 2022: LP-FT).

A random classifier sends random gradients into a pre-trained model, and takes as long to find a scale for what it
reads. Fitted first, it begins where a linear classifier on the frozen model ends.

Shapes: E examples, S sequences each, C hidden width, L log-probabilities.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pretrace.training.engine.device import Device
from pretrace.training.finetuning.batching import Examples
from pretrace.training.finetuning.task_head import TaskModel

ROWS, BATCH = 1000, 64
"""Most training rows that the classifier is fitted to, and rows that are read at once."""
STRENGTH = 0.1
"""Inverse strength of the squared penalty on the weights, as scikit-learn's `C` (docs/log.md)."""
ITERATIONS = 100


def head_rows(count: int) -> np.ndarray:
    """Return which of so many training rows the classifier is fitted to: drawn at random, as a file may be sorted."""
    return np.sort(np.random.Generator(np.random.Philox(key=ROWS)).permutation(count)[:ROWS])


def fit_head(model: TaskModel, examples: Examples, targets: Tensor, device: Device) -> None:
    """Set the classifier, and the scale of the log-probabilities, by training rows and the model as it is.

    The minimum is the task's loss plus the penalty, found by L-BFGS: the same bytes each time.
    """
    rows = head_rows(len(targets))
    state_ESC, likelihood_ESL = _read(model, examples, rows, device)
    targets = targets[rows].to(device.name)
    with torch.no_grad():
        model.likelihood_mean.copy_(likelihood_ESL.mean((0, 1)))
        model.likelihood_spread.copy_(likelihood_ESL.std((0, 1), correction=0).clamp_min(1e-6))
    weights = list(model.classifier.parameters())
    optimizer = torch.optim.LBFGS(weights, max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        penalty = model.classifier.weight.square().sum() / (2 * STRENGTH * len(rows))
        total = model.kind.loss(model.logits(state_ESC, None, likelihood_ESL), targets) + penalty
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
