"""Differences with their noise and probability, and Holm's correction for many of them.

The parts of a variance have degrees of freedom of their own; their sum has those of Welch and Satterthwaite.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
LEVEL = 0.05
NORMAL = 1e9
"""Degrees of freedom above which Student's t is the normal distribution."""
Part = tuple[float, float]
"""(variance, degrees of freedom), which may be infinite."""


@dataclass(frozen=True)
class Difference:
    """A mean, or a difference between two, and its variance by part."""

    value: float
    parts: tuple[Part, ...]

    @property
    def variance(self) -> float:
        return sum(part for part, _ in self.parts)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the whole variance (Satterthwaite 1946)."""
        variance, spread = self.variance, sum(part**2 / degrees for part, degrees in self.parts)
        return variance**2 / spread if spread > 0 else max((degrees for _, degrees in self.parts), default=1.0)

    @property
    def noise(self) -> float:
        """Half the width of the 95 % interval."""
        from scipy.special import stdtrit

        variance = self.variance
        if variance**2 == 0:  # none, or so little that its square underflows
            return 0.0
        return float(stdtrit(min(self.freedom, NORMAL), (1 + CONFIDENCE) / 2)) * math.sqrt(variance)

    @property
    def p(self) -> float:
        """Probability of a difference this large or larger, up or down, if there is none (two-sided t-test)."""
        from scipy.special import stdtr

        variance = self.variance
        if variance**2 == 0:
            return float(self.value == 0)
        return float(2 * stdtr(min(self.freedom, NORMAL), -abs(self.value) / math.sqrt(variance)))

    @property
    def beyond(self) -> bool:
        """True if the interval excludes 0."""
        return abs(self.value) > self.noise


def mean_difference(differences: Iterable[Difference]) -> Difference:
    """Return the mean of differences that have nothing in common."""
    all_ = list(differences)
    parts = tuple((variance / len(all_) ** 2, degrees) for one in all_ for variance, degrees in one.parts)
    return Difference(sum(one.value for one in all_) / len(all_), parts)


def holm(probabilities: Sequence[float]) -> list[float]:
    """Return the probabilities after Holm's correction (1979): all below 5 % hold together at that level."""
    adjusted, largest = [0.0] * len(probabilities), 0.0
    for rank, index in enumerate(sorted(range(len(probabilities)), key=probabilities.__getitem__)):
        largest = max(largest, min(1.0, (len(probabilities) - rank) * probabilities[index]))
        adjusted[index] = largest
    return adjusted
