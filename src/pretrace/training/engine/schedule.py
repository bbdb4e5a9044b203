"""Learning-rate schedules: a warm-up, then a decay; that of fine-tuning is `warmup_linear`."""

from __future__ import annotations

import math
from collections.abc import Callable


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


def warmup_then_linear(done: float, warmup: float) -> float:
    """Return the factor on the rate after a share `done` of the steps: a rise over the share `warmup`, then a fall.

    As BERT's code: the fall is that of the whole run, so there is a step down at the end of the rise.
    """
    return done / warmup if done < warmup else 1 - done


def warmup_inverse_sqrt(done: float, warmup: float) -> float:
    """Return the factor on the rate after a share `done` of the steps: a rise, then the inverse root of the steps.

    As the Transformer (section 5.3), whose peak is at the end of the rise: there it is 1.
    """
    return done / warmup if done < warmup else math.sqrt(warmup / done)


SCHEDULES: dict[str, Callable[[float, float], float]] = {
    "cosine": warmup_cosine,
    "linear": warmup_then_linear,
    "inverse_sqrt": warmup_inverse_sqrt,
}
"""Schedules of pre-training by name."""


def floored(schedule: str, done: float, warmup: float, floor: float) -> float:
    """Return the factor of a schedule, whose decay ends at the share `floor` instead of zero.

    Args:
        done: share of the decay's steps that are made; after its end the factor is that of its end.
    """
    factor = SCHEDULES[schedule](min(done, 1.0), warmup)
    return factor if done < warmup else floor + (1 - floor) * factor
