"""The paper's heuristics (section 5, "Zero-shot behaviors"): a row as questions to a language model.

    acceptability   the mean log-probability of the sentence's tokens; acceptable from a threshold on
    sentiment       "very" is appended; is "positive" or "negative" the likelier next word?
    choice          the choice with the highest mean log-probability of its tokens, given document and question
    referents       each referent fills the blank; the one after which the rest of the sentence has the higher
                    mean log-probability of its tokens (Winograd schemas, as DPRD)

Ours: the threshold is the one with the best metric on the dev rows, the paper says only that there is one; a text
starts after a line end, as documents do in pre-training; a word of several tokens is as likely as all of them together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.evaluation.log_likelihood import Question, Scores
from pretrace.evaluation.task_rows import TextRow
from pretrace.settings import Heuristic
from pretrace.tasks.metrics import score as metric_score
from pretrace.tokens import Vocabulary

NAMES = {
    "acceptability": ("acceptable", "as written", "1"),
    "sentiment": ("positive", "1"),
}
"""Names of the class that a high score stands for: in words, or as GLUE numbers it."""
WORDS = ("negative", "positive")
BLANK = "_"


def class_of_high_scores(task: str, heuristic: Heuristic, labels: list[str] | None, positive: str | None) -> int:
    """Return the index of the acceptable or positive class; 0 for heuristics that pick a choice.

    Args:
        positive: the name of that class in the task's entry, if it has one.

    Raises:
        PretraceError: there are not two classes, or none of them has such a name.
    """
    if heuristic not in NAMES:
        return 0
    names = (positive,) if positive else NAMES[heuristic]
    high = [index for index, label in enumerate(labels or []) if label in names]
    if len(high) != 1 or len(labels or []) != 2:
        raise PretraceError(
            f"params.yaml: tasks.{task}.zero_shot: {heuristic} takes two labels, of which one is "
            f"{' or '.join(NAMES[heuristic])}, or named by `positive`; this task has {', '.join(labels or ['none'])}"
        )
    return high[0]


def questions_of(heuristic: Heuristic, row: TextRow, high: int, vocabulary: Vocabulary) -> list[Question]:
    """Return the questions of a row: one for acceptability, else one for each choice, in their order.

    Raises:
        PretraceError: `referents`, and the row does not have one blank with text after it.
    """
    start, (first, *rest) = np.array([vocabulary.newline_id]), row.parts
    ids = vocabulary.encode_array
    if heuristic == "acceptability":
        return [Question(start, ids(first))]
    if heuristic == "sentiment":
        given = np.concatenate([start, ids(f"{first} very")])
        return [Question(given, ids(WORDS[index == high])) for index in range(2)]
    if heuristic == "choice":
        given = np.concatenate([start, ids(first)])
        return [Question(given, ids(choice)) for choice in rest]
    before, after = around_blank(first, row.origin)
    return [Question(np.concatenate([start, ids(f"{before} {choice}".strip())]), ids(after)) for choice in rest]


def around_blank(text: str, origin: str) -> tuple[str, str]:
    """Return the text before and after the one run of "_" in a cleaned text.

    Raises:
        PretraceError: there is none or more than one, or nothing comes after it.
    """
    words = text.split()
    blanks = [index for index, word in enumerate(words) if word == BLANK]
    runs = [index for index in blanks if index - 1 not in blanks]
    if len(runs) != 1 or blanks[-1] + 1 == len(words):
        problem = "nothing after the blank" if len(runs) == 1 else f"{len(runs)} blanks"
        raise PretraceError(
            f"{origin}: {problem}; `zero_shot: referents` takes one blank, written _, and text after it"
        )
    return " ".join(words[: blanks[0]]), " ".join(words[blanks[-1] + 1 :])


def values_of(heuristic: Heuristic, scores: Scores, rows: int) -> np.ndarray:
    """Return the score of each choice, (rows, choices); for acceptability that of the sentence, (rows, 1)."""
    values = scores.sums if heuristic == "sentiment" else scores.means
    return values.reshape(rows, -1)


def predictions_of(values: np.ndarray, high: int, threshold: float | None) -> np.ndarray:
    """Return the index of the highest value, or with a threshold `high` where the only value reaches it."""
    if threshold is None:
        return values.argmax(1)
    return np.where(values[:, 0] >= threshold, high, 1 - high)


def best_threshold(metric: str, values: np.ndarray, labels: np.ndarray, high: int) -> float:
    """Return the least value of acceptable sentences: midway between two dev rows, with the best metric on dev."""
    finite = np.unique(values[np.isfinite(values)].round(6))
    middles = (finite[:-1] + finite[1:]) / 2 if len(finite) > 1 else finite
    if not len(middles):
        raise PretraceError("zero-shot: acceptability needs dev rows with text, as the threshold is chosen on them")
    scores = [metric_score(metric, labels, predictions_of(values, high, t)) for t in middles]
    return round(float(middles[int(np.argmax(scores))]), 7)


def chance(metric: str, labels: Sequence[int] | np.ndarray, choices: int) -> float:
    """Return the expected score of random predictions: 0 in the paper's figure."""
    if metric == "accuracy":
        return 1 / choices
    if metric == "f1":
        share = float(np.mean(np.asarray(labels) == 1))
        return share / (share + 0.5) if share else 0.0
    return 0.0
