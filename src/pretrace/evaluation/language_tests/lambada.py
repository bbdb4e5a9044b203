"""LAMBADA: does the model predict the last word of a passage, and with what probability?

A row is a passage without its last word, and that word. Text is prepared as the vocabulary reads it: for GPT-1's words
lower-cased, words and punctuation split. Case is then not tested, and a target such as `"Sara` is two words, both to be
predicted. A token of GPT-1's says whether it ends a word, so only a whole word counts: `sign` does not match `signs`,
nor the other way round, which a byte-level vocabulary such as GPT-2's cannot tell. A word counts as wrong if it has
characters that are not in the vocabulary.

Three scores that papers call LAMBADA's:

    accuracy, perplexity    of the whole word, with all its tokens greedily right (as in lm-evaluation-harness)
    token_perplexity        the same log-probabilities, per token
    last_token_accuracy     of the last token, given those before it: what OpenAI reported for GPT-2
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pretrace.evaluation.language_tests.read_tests import TestFile
from pretrace.evaluation.log_likelihood import Question, score_questions
from pretrace.model import LanguageModel
from pretrace.schemas.zero_shot import LanguageTestScore
from pretrace.settings import LanguageColumns
from pretrace.tokens import Vocabulary
from pretrace.training.engine.device import Device

PROTOCOL = "last word: greedy over its tokens, detokenized text, cleaned as the vocabulary has it"


@dataclass(frozen=True)
class Passages:
    """Passages as questions."""

    questions: list[Question]
    reachable: np.ndarray
    """True where the vocabulary has all tokens of the word, (rows,)."""


def read_passages(file: str, vocabulary: Vocabulary, columns: LanguageColumns, limit: int | None = None) -> Passages:
    """Read passages and their last words; each passage starts after a document's end, as documents do in pre-training.

    Raises:
        PretraceError: the file is missing or not readable, or a column or text in it is missing.
    """
    table = TestFile(file, [columns.context, columns.target], vocabulary, limit)
    start = np.array([vocabulary.document_end_id])
    given = vocabulary.encode_arrays(table.texts(columns.context))
    asked = vocabulary.encode_arrays([vocabulary.between + word for word in table.texts(columns.target)])
    questions = [Question(np.concatenate([start, a]), b) for a, b in zip(given, asked, strict=True)]
    return Passages(questions, np.array([vocabulary.unknown_id not in question.asked for question in questions]))


def last_word(model: LanguageModel, device: Device, passages: Passages) -> LanguageTestScore:
    """Score a model on the last words.

    Returns:
        `accuracy` with its standard error over the rows, `perplexity` per word, `token_perplexity` and
        `last_token_accuracy`; and the numbers of rows (`n`), tokens asked (`tokens`), rows whose word the vocabulary
        can write (`reachable`) and rows whose beginning did not fit the context (`cut`).
    """
    scores, rows = score_questions(model, passages.questions, device), len(passages.questions)
    accuracy = float(np.mean(scores.all_greedy & passages.reachable))
    last = scores.greedy_N[np.cumsum(scores.counts_S) - 1]
    total = float(scores.sums.sum())
    return LanguageTestScore(
        protocol=PROTOCOL,
        accuracy=round(accuracy, 6),
        stderr=round(math.sqrt(accuracy * (1 - accuracy) / rows), 6),
        perplexity=perplexity(total / rows),
        token_perplexity=perplexity(total / len(scores.log_probabilities_N)),
        last_token_accuracy=round(float(np.mean(last & passages.reachable)), 6),
        n=rows,
        tokens=len(scores.log_probabilities_N),
        reachable=int(passages.reachable.sum()),
        cut=scores.cut,
    )


def perplexity(mean_log_probability: float) -> float | None:
    """Return exp(-mean_log_probability); None if it overflows."""
    return round(math.exp(-mean_log_probability), 4) if mean_log_probability > -700 else None
