"""Forms of over-optimization (Gao, Schulman and Hilton 2022, section 3.1), fitted to gold rewards.

With d = sqrt(KL): best-of-n d (a - b d), reinforcement learning d (a - b log d).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

FORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "best_of_n": lambda d: d,
    "rl": lambda d: np.log(np.maximum(d, 1e-9)),
}
"""The factor x of b in d (a - b x)."""


class Fitted(NamedTuple):
    """A form with its two numbers."""

    form: str
    a: float
    b: float

    def at(self, d: np.ndarray) -> np.ndarray:
        """Return the reward at square roots of KL."""
        found: np.ndarray = d * (self.a - self.b * FORMS[self.form](d))
        return found

    @property
    def peak(self) -> float | None:
        """Return the square root of KL where the reward is highest: a / 2b, or exp(a / b - 1); None if nowhere."""
        if self.b <= 0:
            return None
        return self.a / (2 * self.b) if self.form == "best_of_n" else math.exp(min(self.a / self.b - 1, 50.0))


def fit(form: str, kl: Sequence[float], reward: Sequence[float]) -> Fitted | None:
    """Return the form with the least squared error; None with fewer than two points beyond KL 0."""
    d = np.sqrt(np.maximum(np.asarray(kl, float), 0))
    used = d > 0
    if used.sum() < 2:
        return None
    d, y = d[used], np.asarray(reward, float)[used]
    (a, minus_b), *_ = np.linalg.lstsq(np.stack([d, d * FORMS[form](d)], 1), y, rcond=None)
    return Fitted(form, float(a), -float(minus_b))
