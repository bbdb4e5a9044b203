"""A row as questions to a language model, and its answer: the paper's heuristics, and two that compare probabilities.

Of the paper (section 5, "Zero-shot behaviors"):

    acceptability   the mean log-probability of the sentence's tokens; acceptable from a threshold on
    sentiment       "very" is appended; is "positive" or "negative" the likelier next word?
    choice          the choice with the highest mean log-probability of its tokens, given document and question
    referents       each referent fills the blank; the one after which the rest of the sentence has the higher
                    mean log-probability of its tokens (Winograd schemas, as DPRD)

By the pointwise mutual information of a text and the one before it, log P(text | before) - log P(text), summed over
tokens, so that a text that is likely anywhere does not win (GPT-3's paper, section 2.4, for some tasks; P(text) is here
that after a line end):

    choice_pmi      the choice with the highest
    pair_pmi        the second of two texts continues the first from a threshold on

Ours: the threshold is the one with the best metric on the dev rows, the paper says only that there is one; a text
starts after a line end, as documents do in pre-training; a word of several tokens is as likely as all of them together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.evaluation.log_likelihood import Question, Scores
from pretrace.evaluation.task_rows import TextRow
from pretrace.settings import Heuristic
from pretrace.tasks.rows.dataset import own_choices
from pretrace.tokens import Vocabulary

Form = Literal["text", "sentiment", "after", "alone", "rest"]
"""A question: on a text's own tokens; a word of sentiment; each further part after the first, or alone; the rest after
a blank."""
FORMS: dict[Heuristic, tuple[Form, ...]] = {
    "acceptability": ("text",),
    "sentiment": ("sentiment",),
    "choice": ("after",),
    "referents": ("rest",),
    "choice_pmi": ("after", "alone"),
    "pair_pmi": ("after", "alone"),
}
"""The forms that a heuristic asks."""
WITH_THRESHOLD: tuple[Heuristic, ...] = ("acceptability", "pair_pmi")
WORDS = ("negative", "positive")
BLANKS = re.compile(r"(?<!\w)_(?!\w)(?: _(?!\w))*")
"""Signs of one blank, which may be several words."""


def questions_of(form: Form, row: TextRow, high: int, vocabulary: Vocabulary) -> list[Question]:
    """Return the questions of a row: one for a text or a pair, else one for each choice, in their order.

    Args:
        high: the positive class of `sentiment`; of no meaning to other forms.

    Raises:
        PretraceError: `rest`, and the row does not have one blank with text after it.
    """
    start, (first, *others) = np.array([vocabulary.document_end_id]), row.parts
    ids, gap = vocabulary.encode_array, vocabulary.between
    if form == "text":
        return [Question(start, ids(first))]
    if form == "sentiment":
        given = np.concatenate([start, ids(f"{first} very")])
        return [Question(given, ids(gap + WORDS[index == high])) for index in range(2)]
    if form == "alone":
        return [Question(start, ids(other)) for other in others]
    if form == "after":
        given = np.concatenate([start, ids(first)])
        return _of_own(row, [Question(given, ids(gap + other)) for other in others])
    before, after = around_blank(first, row.origin)
    rest = ids(gap + after.lstrip() if after.startswith(" ") else after)
    return _of_own(
        row, [Question(np.concatenate([start, ids(f"{before} {choice}".strip())]), rest) for choice in others]
    )


def _of_own(row: TextRow, questions: list[Question]) -> list[Question]:
    """Return the questions of choices; those of empty ones at the row's end ask nothing, and so have no value."""
    own, nothing = own_choices(row.parts, row.label), np.zeros(0, np.int64)
    return [*questions[:own], *(Question(question.given, nothing) for question in questions[own:])]


def around_blank(text: str, origin: str) -> tuple[str, str]:
    """Return the text before the one run of "_" in a text on one line, and what follows, with its space if it has one.

    Raises:
        PretraceError: there is none or more than one, or nothing comes after it.
    """
    runs = list(BLANKS.finditer(text))
    if len(runs) != 1 or runs[0].end() == len(text):
        problem = "nothing after the blank" if len(runs) == 1 else f"{len(runs)} blanks"
        raise PretraceError(
            f"{origin}: {problem}; `zero_shot: referents` takes one blank, written _, and text after it"
        )
    return text[: runs[0].start()].rstrip(), text[runs[0].end() :]


def values_of(heuristic: Heuristic, scores: Sequence[Scores], rows: int) -> np.ndarray:
    """Return the value of each choice, (rows, choices), or of the text or pair, (rows, 1).

    Args:
        scores: of the questions of each form in `FORMS`.
    """
    if len(scores) == 2:
        values = scores[0].sums - scores[1].sums
    else:
        values = scores[0].sums if heuristic == "sentiment" else scores[0].means
    if heuristic not in WITH_THRESHOLD:
        values = np.where(scores[0].counts_S > 0, values, -np.inf)
    return values.reshape(rows, -1)


def predictions_of(values: np.ndarray, high: int, threshold: float | None) -> np.ndarray:
    """Return the index of the highest value, or with a threshold `high` where the only value reaches it."""
    if threshold is None:
        return values.argmax(1)
    return np.where(values[:, 0] >= threshold, high, 1 - high)


def harmonic_mean(choices_N: np.ndarray) -> float:
    """Return the number of choices that rows of these numbers have for `chance`."""
    return 1 / float(np.mean(1 / np.maximum(choices_N, 1)))


def chance(metric: str, labels: Sequence[int] | np.ndarray, choices: float) -> float:
    """Return the expected score of random predictions: 0 in the paper's figure.

    Args:
        choices: classes or choices of a row; where rows differ, the harmonic mean.
    """
    if metric == "accuracy":
        return 1 / choices
    if metric == "f1":
        share = float(np.mean(np.asarray(labels) == 1))
        return share / (share + 0.5) if share else 0.0
    return 0.0
