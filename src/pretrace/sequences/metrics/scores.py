"""Scores of answers that a model has written, with their standard errors over rows. All are shares of 1.

Shapes: N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.sequences.metrics.libraries import Rouge, corpus_score
from pretrace.sequences.metrics.overlap import (
    best,
    exact_match,
    leaving_one_out,
    same_text,
    uses_word,
    word_f1,
)

OF_ROWS = {
    "exact": partial(best, same_text),
    "exact_match": partial(best, exact_match),
    "f1": partial(best, word_f1),
    "coqa_exact_match": partial(leaving_one_out, exact_match),
    "coqa_f1": partial(leaving_one_out, word_f1),
}
"""Means over rows."""
ROUGE = ("rouge1", "rouge2", "rougeL", "rougeLsum")
OF_CORPORA = ("bleu", "chrf")
OF_SOURCES = {"uses_source": uses_word}
"""Means over rows of what an answer has of its row's source."""
METRICS = (*OF_ROWS, *OF_CORPORA, *OF_SOURCES, *ROUGE)


@dataclass(frozen=True)
class TextScore:
    """A score of all rows."""

    score: float
    stderr: float
    """Standard error over rows."""
    signature: str | None = None
    """Library that computed it, with its settings, to print beside it."""
    rows_N: np.ndarray | None = None
    """Score of each row; None for a score that only all rows have."""


def score_texts(
    metrics: Sequence[str], answers: Sequence[str], references: Sequence[Sequence[str]], sources: Sequence[str] = ()
) -> dict[str, TextScore]:
    """Return scores by the names of metrics.

    Args:
        metrics: some of `METRICS`.
        references: accepted texts of each row.
        sources: texts that the answers are to, for those of `OF_SOURCES`.

    Raises:
        PretraceError: there are no rows.
    """
    if not answers:
        raise PretraceError("no answers to score; a task needs at least one row")
    rouge = Rouge([metric for metric in metrics if metric in ROUGE]) if set(metrics) & set(ROUGE) else None
    of_rouge = [rouge.scores(one, own) for one, own in zip(answers, references, strict=True)] if rouge else []
    scores = {}
    for metric in metrics:
        if metric in OF_CORPORA:
            scores[metric] = TextScore(*corpus_score(metric, answers, references))
        elif rouge and metric in ROUGE:
            scores[metric] = _mean(np.array([one[metric] for one in of_rouge]), rouge.signature)
        elif metric in OF_SOURCES:
            pairs = zip(answers, sources, strict=True)
            scores[metric] = _mean(np.array([OF_SOURCES[metric](answer, source) for answer, source in pairs]))
        else:
            rows = zip(answers, references, strict=True)
            scores[metric] = _mean(np.array([OF_ROWS[metric](answer, own) for answer, own in rows]))
    return scores


def _mean(rows_N: np.ndarray, signature: str | None = None) -> TextScore:
    stderr = float(rows_N.std(ddof=1) / len(rows_N) ** 0.5) if len(rows_N) > 1 else 0.0
    return TextScore(float(rows_N.mean()), stderr, signature, rows_N)
