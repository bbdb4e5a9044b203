"""Scores as means with their variance by source, and what follows for differences and means over tasks.

Four things make a mean score uncertain (docs/statistics.md):

- which documents the test rows are from: common to all columns, and to the tasks that share documents;
- the pre-training, where there are two or more: one unit each, the mean over its fine-tunings, common to the columns
  and tasks that start from it. With one, how another would differ is in no interval;
- the seeds of fine-tuning, where the pre-training is no unit: each cell's own, as in Welch's t-test;
- what was chosen on dev rows, such as a threshold (`extra_variance`).

What is common is subtracted or added before it is squared, what is not is added as variances, each with its own degrees
of freedom (Welch 1947, Satterthwaite 1946). What depends on a document and a seed together is in both parts, so an
interval is rather too wide than too narrow (ours; the paper gives no intervals).

Shapes: G documents, P pre-trainings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pretrace.report.statistics.comparisons import Difference, Part


@dataclass(frozen=True)
class Estimate:
    """A mean score, or a sum of such with weights."""

    value: float
    documents_G: np.ndarray
    """Numbers of the documents, ascending, the same number for the same document in every task."""
    moves_G: np.ndarray
    """Move of the value by each."""
    freedom: float
    """Degrees of freedom of the documents' part."""
    pretrained: dict[tuple[int, ...], np.ndarray] = field(default_factory=dict)
    """For the seeds of P >= 2 pre-trainings the value with each, shape (P,)."""
    parts: tuple[Part, ...] = ()
    """(variance, degrees of freedom) of what no other estimate shares."""

    @property
    def from_documents(self) -> float:
        """The variance from the draw of the test documents."""
        return float(np.sum(self.moves_G**2))

    def difference(self) -> Difference:
        """Return the value with the variance of all parts."""
        few = [(float(np.var(v, ddof=1)) / len(v), float(len(v) - 1)) for v in self.pretrained.values()]
        return Difference(self.value, ((self.from_documents, self.freedom), *self.parts), tuple(few))


def combined(estimates: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """Return the sum of estimates with weights: (1, -1) for a difference, 1/n each for a mean."""
    documents_G, index = np.unique(np.concatenate([one.documents_G for one in estimates]), return_inverse=True)
    moved = np.concatenate([w * one.moves_G for one, w in zip(estimates, weights, strict=True)])
    pretrained: dict[tuple[int, ...], np.ndarray] = {}
    parts: list[Part] = []
    for one, weight in zip(estimates, weights, strict=True):
        for seeds, value_P in one.pretrained.items():
            pretrained[seeds] = pretrained.get(seeds, 0.0) + weight * value_P
        parts += [(weight**2 * variance, freedom) for variance, freedom in one.parts]
    own = [(weight**2 * one.from_documents, one.freedom) for one, weight in zip(estimates, weights, strict=True)]
    return Estimate(
        value=sum(weight * one.value for one, weight in zip(estimates, weights, strict=True)),
        documents_G=documents_G,
        moves_G=np.bincount(index, moved, len(documents_G)),
        freedom=Difference(0.0, tuple(own)).freedom,
        pretrained=pretrained,
        parts=tuple(parts),
    )


def minus(one: Estimate, other: Estimate) -> Estimate:
    """Return a difference."""
    return combined([one, other], [1, -1])


def mean(estimates: Sequence[Estimate]) -> Estimate:
    """Return the mean over tasks."""
    return combined(estimates, [1 / len(estimates)] * len(estimates))


def estimate(
    scores: Sequence[float],
    pretrain_seeds: Sequence[int | None],
    documents_G: np.ndarray,
    moves_G: np.ndarray,
    extra_variance: float = 0.0,
) -> Estimate:
    """Return the mean score of a cell.

    Args:
        scores: one for each fine-tuning; a single one is a fit without seeds.
        pretrain_seeds: for each score the seed of its pre-training, None where there was none.
        documents_G: numbers of the documents of the test rows, ascending.
        moves_G: how far each moves the mean score.
        extra_variance: variance of the score from what was chosen on dev rows.
    """
    by_pretraining: dict[int, list[float]] = {}
    for score, seed in zip(scores, pretrain_seeds, strict=True):
        if seed is not None:
            by_pretraining.setdefault(seed, []).append(score)
    parts: list[Part] = [(extra_variance, math.inf)] if extra_variance else []
    pretrained = {}
    if len(by_pretraining) > 1:
        seeds = tuple(sorted(by_pretraining))
        pretrained[seeds] = np.array([np.mean(by_pretraining[seed]) for seed in seeds])
    elif len(scores) > 1:
        parts.append((float(np.var(scores, ddof=1)) / len(scores), len(scores) - 1))
    freedom = max(1, len(documents_G) - 1)
    return Estimate(float(np.mean(scores)), documents_G, moves_G, freedom, pretrained, tuple(parts))
