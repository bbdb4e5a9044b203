"""Differences with their noise and probability, and Holm's correction for many of them.

The parts of a variance have degrees of freedom of their own; their sum has those of Welch and Satterthwaite. Parts of a
few units, the pre-trainings, stay apart.
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
    """Parts whose sum has the degrees of freedom of Welch and Satterthwaite."""
    few: tuple[Part, ...] = ()
    """Parts of a few units each, which decide. Each has the quantile of its own degrees of freedom, and widths are
    added as squares (Banerjee 1960): at least 95 % are covered, where Satterthwaite's would be too narrow whenever the
    few are close by chance."""

    @property
    def variance(self) -> float:
        """The variance of all parts."""
        return sum(part for part, _ in (*self.parts, *self.few))

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the sum of `parts` (Satterthwaite 1946)."""
        variance = sum(part for part, _ in self.parts)
        spread = sum(part**2 / degrees for part, degrees in self.parts)
        return variance**2 / spread if spread > 0 else max((degrees for _, degrees in self.parts), default=1.0)

    @property
    def noise(self) -> float:
        """Half the width of the 95 % interval."""
        return self._half_width(LEVEL)

    @property
    def p(self) -> float:
        """Probability of a difference this large or larger, up or down, if there is none (two-sided t-test)."""
        from scipy.special import stdtr

        variance = self.variance
        if variance**2 == 0:
            return float(self.value == 0)
        if not self.few:
            return float(2 * stdtr(min(self.freedom, NORMAL), -abs(self.value) / math.sqrt(variance)))
        low, high = -700.0, 0.0  # the logarithm of the level at which the interval ends at 0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self._half_width(math.exp(middle)) > abs(self.value) else (low, middle)
        return math.exp(high)

    def _half_width(self, level: float) -> float:
        from scipy.special import stdtrit

        variance = self.variance
        if variance**2 == 0:  # none, or so little that its square underflows
            return 0.0
        groups = [(sum(part for part, _ in self.parts), min(self.freedom, NORMAL)), *self.few]
        return math.sqrt(sum(float(stdtrit(freedom, level / 2)) ** 2 * part for part, freedom in groups))

    @property
    def beyond(self) -> bool:
        """True if the interval excludes 0."""
        return abs(self.value) > self.noise


def mean_difference(differences: Iterable[Difference]) -> Difference:
    """Return the mean of differences that have nothing in common."""
    all_ = list(differences)
    parts, few = (
        tuple((variance / len(all_) ** 2, degrees) for own in every for variance, degrees in own)
        for every in ([one.parts for one in all_], [one.few for one in all_])
    )
    return Difference(sum(one.value for one in all_) / len(all_), parts, few)


def holm(probabilities: Sequence[float]) -> list[float]:
    """Return the probabilities after Holm's correction (1979): all below 5 % hold together at that level."""
    adjusted, largest = [0.0] * len(probabilities), 0.0
    for rank, index in enumerate(sorted(range(len(probabilities)), key=probabilities.__getitem__)):
        largest = max(largest, min(1.0, (len(probabilities) - rank) * probabilities[index]))
        adjusted[index] = largest
    return adjusted
