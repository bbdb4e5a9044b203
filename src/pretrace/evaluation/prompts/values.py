"""From log-probabilities to answers: how the answers to a row are compared.

Shapes: N rows, F forms of a row (its own, and one for each text without content), A answers.
"""

from __future__ import annotations

import numpy as np

from pretrace.evaluation.log_likelihood import Scores
from pretrace.settings.prompts.prompt import AnswerScore


def values_of(
    how: AnswerScore, scores: Scores, characters_NA: np.ndarray, unconditional_NA: np.ndarray | None, forms: int
) -> np.ndarray:
    """Return the value (N, A) of each answer; the highest is the model's. Answers that a row lacks are never it.

    Args:
        scores: of the questions of each row, form and answer, in this order.
        characters_NA: of the answers; -1 where a row has fewer of them.
        unconditional_NA: log-probability of each answer behind the premise, for `pmi`.
        forms: F; with more than one, contextual calibration divides the probability of an answer by its mean over the
            forms without content (Zhao et al. 2021, section 4: a diagonal matrix).
    """
    there_NFA = np.repeat(characters_NA[:, None] >= 0, forms, 1)
    sums_NFA, counts_NFA = placed(scores.sums, there_NFA), placed(scores.counts_S, there_NFA)
    values_NFA = sums_NFA
    if how == "mean_token":
        values_NFA = sums_NFA / np.maximum(counts_NFA, 1)
    elif how == "mean_character":
        values_NFA = sums_NFA / np.maximum(characters_NA, 1)[:, None]
    elif unconditional_NA is not None:
        values_NFA = sums_NFA - unconditional_NA[:, None]
    values_NFA = np.where(counts_NFA > 0, values_NFA, -np.inf)
    if forms == 1:
        return values_NFA[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return values_NFA[:, 0] - np.log(shares(values_NFA[:, 1:]).mean(1))


def placed(values_S: np.ndarray, there_x: np.ndarray) -> np.ndarray:
    """Return values in the places that are there, in their order, and 0 elsewhere."""
    placed_x = np.zeros(there_x.shape, values_S.dtype)
    placed_x[there_x] = values_S
    return placed_x


def shares(values_xA: np.ndarray) -> np.ndarray:
    """Return the softmax over the answers, on the last axis; equal shares where none has a value."""
    highest_x1 = values_xA.max(-1, keepdims=True)
    weights_xA = np.exp(values_xA - np.where(np.isfinite(highest_x1), highest_x1, 0))
    total_x1 = weights_xA.sum(-1, keepdims=True)
    return np.where(total_x1 > 0, weights_xA / np.maximum(total_x1, 1e-300), 1 / values_xA.shape[-1])


def predictions_of(values_NA: np.ndarray, levels: list[float] | None) -> np.ndarray:
    """Return the index of the best answer of each row; of levels their mean by probability."""
    if levels is None:
        return np.nan_to_num(values_NA, nan=-np.inf, posinf=np.inf, neginf=-np.inf).argmax(1)
    return shares(values_NA) @ np.array(levels)
