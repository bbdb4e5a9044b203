"""The last word of a passage (LAMBADA): is it what the model would have written, and how likely did it find it?

A row is a passage without its last word, and that word. Text is cleaned as the vocabulary has it: lower-cased, words
and punctuation apart; so nothing is said of case, and a target such as `"Sara` is two words, both to be predicted. A
piece says whether it ends a word, so a word counts only where it is whole: `sign` is no hit for `signs`, nor the other
way round, which a byte-level vocabulary such as GPT-2's cannot tell. Any word is within reach that is made of
characters of the vocabulary; the rest count as wrong.

Three figures that papers call LAMBADA's:

    accuracy, perplexity    of the whole word, all its pieces greedily right (as lm-evaluation-harness has it)
    token_perplexity        the same log-probabilities, a piece each
    last_token_accuracy     of the last piece alone, those before it given: what OpenAI reported for GPT-2
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pretrace.evaluation.language_tests.read_tests import TestFile
from pretrace.evaluation.log_likelihood import Question, score
from pretrace.settings import LanguageColumns
from pretrace.tokens import Vocabulary
from pretrace.training.engine.device import Device

PROTOCOL = "last word: greedy over its pieces, detokenised text, cleaned as the vocabulary has it"


@dataclass(frozen=True)
class Passages:
    """Passages as questions."""

    questions: list[Question]
    reachable: np.ndarray
    """Whether the vocabulary has pieces for all of the word, (rows,)."""


def read_passages(file: str, vocabulary: Vocabulary, columns: LanguageColumns, limit: int | None = None) -> Passages:
    """Read passages and their last words; each passage starts after a line end, as documents do in pre-training.

    Raises:
        PretraceError: the file is missing or not readable, or a column or text in it is missing.
    """
    table, start = TestFile(file, limit), np.array([vocabulary.newline_id])
    given = vocabulary.encode_arrays(table.texts(columns.context))
    asked = vocabulary.encode_arrays(table.texts(columns.target))
    questions = [Question(np.concatenate([start, a]), b) for a, b in zip(given, asked, strict=True)]
    return Passages(questions, np.array([vocabulary.unknown_id not in question.asked for question in questions]))


def last_word(model: Any, device: Device, passages: Passages) -> dict[str, Any]:
    """Ask a model for the last words.

    Returns:
        `accuracy` with its standard error over the rows, `perplexity` a word and `token_perplexity` a piece,
        `last_token_accuracy`; and the numbers of rows (`n`), pieces asked (`tokens`), rows that are within reach
        (`reachable`) and rows whose beginning did not fit the context (`cut`).
    """
    found, rows = score(model, passages.questions, device), len(passages.questions)
    accuracy = float(np.mean(found.all_greedy & passages.reachable))
    last = found.greedy_N[np.cumsum(found.counts_S) - 1]
    total = float(found.sums.sum())
    return {
        "protocol": PROTOCOL,
        "accuracy": round(accuracy, 6),
        "stderr": round(math.sqrt(accuracy * (1 - accuracy) / rows), 6),
        "perplexity": perplexity(total / rows),
        "token_perplexity": perplexity(total / len(found.log_probabilities_N)),
        "last_token_accuracy": round(float(np.mean(last & passages.reachable)), 6),
        "n": rows,
        "tokens": len(found.log_probabilities_N),
        "reachable": int(passages.reachable.sum()),
        "cut": found.cut,
    }


def perplexity(mean_log_probability: float) -> float | None:
    """e to the power of what is given with its sign turned; None where no number can hold it."""
    return round(math.exp(-mean_log_probability), 4) if mean_log_probability > -700 else None
