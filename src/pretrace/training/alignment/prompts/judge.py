"""Comparisons without labelers: answers of the start policy, ranked by the gold reward with noise."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from pretrace.settings.alignment.data import Comparisons
from pretrace.training.alignment.loop import seed_of
from pretrace.training.alignment.prompts.gold import GoldReward
from pretrace.training.alignment.reward.comparisons import Compared

LABELS = 3
"""Purpose of the random numbers of labels."""


def judged(
    prompts: Sequence[Sequence[int]],
    answers: Sequence[Sequence[tuple[int, ...]]],
    gold: GoldReward,
    settings: Comparisons,
    seed: int,
    first: int = 0,
) -> list[Compared]:
    """Return each prompt with its answers and their scores, of which equal ones are a tie.

    Args:
        first: number of the first prompt; a prompt's noise is a function of the seed and its number.
    """
    rows = []
    for number, (prompt, own) in enumerate(zip(prompts, answers, strict=True), first):
        noise = np.random.default_rng(seed_of(seed, LABELS, number)).gumbel(size=len(own))
        scores = gold.of(own) + settings.noise * noise
        rows.append(Compared(tuple(prompt), tuple(own), tuple(with_ties(scores, settings.tie_within).tolist())))
    return rows


def with_ties(scores: np.ndarray, within: float) -> np.ndarray:
    """Return scores in which those that follow each other within a distance, from the best down, are the same."""
    found = scores.copy()
    order = np.argsort(-scores, kind="stable")
    for above, below in pairwise(order.tolist()):
        if scores[above] - scores[below] <= within:
            found[below] = found[above]
    return found
