"""Language tests of params.yaml: LAMBADA's last word, perplexity of a text, choice by mean log-probability."""

from __future__ import annotations

import math
import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.missing import is_missing
from pretrace.evaluation.language_tests.lambada import last_word, read_passages
from pretrace.evaluation.language_tests.read_tests import TestFile, list_of
from pretrace.evaluation.log_likelihood import Question, score_questions
from pretrace.evaluation.perplexity import measure
from pretrace.evaluation.published_texts.corpora import RULES
from pretrace.evaluation.read_text import Text, read_text
from pretrace.model import LanguageModel
from pretrace.schemas.zero_shot import LanguageTestScore
from pretrace.settings import LanguageColumns, LanguageTest
from pretrace.tokens import Vocabulary
from pretrace.training.engine.device import Device

Test = Callable[[LanguageModel, Device], LanguageTestScore]
"""Return the report's entry for a model on its device."""
OF_PUBLISHED = ("published_words", "lost_words", "published_word_perplexity", "published_token_perplexity")
"""Figures of a text that is published as words."""
CHOICE = "choice: the answer with the highest mean log-probability of its tokens"


def prepare_tests(tests: dict[str, LanguageTest], vocabulary: Vocabulary) -> dict[str, Test]:
    """Read the files of all tests.

    Raises:
        PretraceError: a file is missing or not what its protocol takes; the text names the test, file, row and column.
    """
    prepared = {}
    for name, test in tests.items():
        try:
            prepared[name] = _prepare(name, test, vocabulary)
        except PretraceError as error:
            raise PretraceError(f"params.yaml: language_tests.{name}: {error}") from None
    return prepared


def _prepare(name: str, test: LanguageTest, vocabulary: Vocabulary) -> Test:
    if test.protocol == "perplexity":
        rules = RULES[test.published_as] if test.published_as else None
        text, unknown = read_text(test.file, vocabulary, rules), vocabulary.unknown_id
        return partial(perplexity_of_text, text=text, name=name, stride=test.stride, unknown_id=unknown)
    if test.protocol == "last_word":
        return partial(last_word, passages=read_passages(test.file, vocabulary, test.columns, test.rows))
    return partial(choice, choices=read_choices(test.file, vocabulary, test.columns, test.rows))


def perplexity_of_text(
    model: LanguageModel, device: Device, text: Text, name: str, stride: int | None, unknown_id: int | None
) -> LanguageTestScore:
    """Return what `pretrace evaluate` reports for a text: in float32, whatever the device's precision."""
    stride = max(1, model.context // 2) if stride is None else stride
    if stride > model.context:
        raise PretraceError(
            f"params.yaml: language_tests.{name}: stride: got {stride}; takes 1 to {model.context}, the context"
        )
    scores = measure(model, text, unknown_id, stride)
    shown = ("loss", "perplexity", "word_perplexity", "bits_per_byte", "bits_per_clean_byte", *OF_PUBLISHED)
    sizes = {"n": scores["scored_tokens"], "tokens": scores["tokens"], "words": scores["words"]}
    protocol = f"perplexity: windows of {model.context} tokens, each {stride} after the one before"
    return LanguageTestScore(protocol=protocol, **{key: scores[key] for key in shown if key in scores}, **sizes)


@dataclass(frozen=True)
class Choices:
    """Rows with several answers as questions: those of a row are consecutive."""

    questions: list[Question]
    counts: np.ndarray
    """Number of answers of each row."""
    labels: np.ndarray


def read_choices(file: str, vocabulary: Vocabulary, columns: LanguageColumns, limit: int | None = None) -> Choices:
    """Read rows with a context, answers and the index or letter of the right one; rows may differ in their number.

    Raises:
        PretraceError: the file is missing or not readable, or a row has no text, one answer only or another label.
    """
    context = [column for column in (columns.context, columns.question) if column]
    choices = columns.choices if isinstance(columns.choices, list) else [columns.choices]
    table = TestFile(file, [*context, *choices, columns.target], vocabulary, limit)
    start = np.array([vocabulary.document_end_id])
    parts = [table.texts(column) for column in context]
    contexts = [" ".join(texts) for texts in zip(*parts, strict=True)]
    answers = _answers(table, columns.choices)
    labels = [
        _label(table, row, value, columns.target, len(answers[row]))
        for row, value in enumerate(table.column(columns.target))
    ]
    ids = [np.concatenate([start, given]) for given in vocabulary.encode_arrays(contexts)]
    questions = [
        Question(given, vocabulary.encode_array(vocabulary.between + answer))
        for given, own in zip(ids, answers, strict=True)
        for answer in own
    ]
    return Choices(questions, np.array([len(own) for own in answers]), np.array(labels))


def _answers(table: TestFile, columns: str | list[str]) -> list[list[str]]:
    if isinstance(columns, list):
        return [list(row) for row in zip(*(table.texts(column) for column in columns), strict=True)]
    answers = []
    for row, value in enumerate(table.column(columns)):
        own = list_of(value)
        if own is None or len(own) < 2:
            raise table.fault(row, columns, f"a list of two answers or more expected, got {value!r}")
        answers.append([table.prepared(answer, row, columns) for answer in own])
    return answers


def _label(table: TestFile, row: int, value: Any, column: str, answers: int) -> int:
    if is_missing(value):
        raise table.fault(row, column, "is empty; every row needs the right answer here")
    text = str(value)
    index = string.ascii_uppercase.find(text) if len(text) == 1 and text.isalpha() else -1
    index = int(text) if text.isdecimal() and text.isascii() else index
    if not 0 <= index < answers:
        last = string.ascii_uppercase[answers - 1]
        raise table.fault(row, column, f"got {value!r}; takes A to {last}, or a number from 0 to {answers - 1}")
    return index


def choice(model: LanguageModel, device: Device, choices: Choices) -> LanguageTestScore:
    """Return how often the right answer has the highest mean log-probability, and how often chance would pick it."""
    scores, rows = score_questions(model, choices.questions, device), len(choices.labels)
    ends = np.cumsum(choices.counts)
    chosen = [int(values.argmax()) for values in np.split(scores.means, ends[:-1])]
    accuracy = float(np.mean(choices.labels == chosen))
    return LanguageTestScore(
        protocol=CHOICE,
        accuracy=round(accuracy, 6),
        stderr=round(math.sqrt(accuracy * (1 - accuracy) / rows), 6),
        chance=round(float(np.mean(1 / choices.counts)), 6),
        n=rows,
        cut=scores.cut,
    )
