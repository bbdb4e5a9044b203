"""Learning-rate schedules: a warm-up, then a cosine (pre-training) or a line (fine-tuning), as released."""

from __future__ import annotations

import math


def warmup_cosine(done: float, warmup: float) -> float:
    """Return the factor on the rate after a share `done` of the steps: a rise over the share `warmup`, then a cosine.

    As released: the cosine is that of the whole run, not of the rest after the rise, so there is a small step down
    between the two; and the first step, before which nothing is done, has the rate 0. (TensorFlow 1 left open whether
    the counter is read before it is incremented, so the original runs may have begun at the second value.)
    """
    return done / warmup if done <= warmup and warmup > 0 else 0.5 * (1 + math.cos(math.pi * done))


def warmup_linear(done: float, warmup: float) -> float:
    """Return the factor on the rate after a share `done` of the steps: a rise over the share `warmup`, times a fall.

    As released: the fall also multiplies the rise, and the first step has the rate 0 (see `warmup_cosine`).
    """
    rise = done / warmup if done <= warmup and warmup > 0 else 1.0
    return rise * (1 - done)
