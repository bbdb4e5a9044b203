"""A prompt from its pieces: examples that fit the context, the row, and the tokens of each answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.evaluation.log_likelihood import Question
from pretrace.evaluation.prompts.base_form import Form
from pretrace.tasks.rows.dataset import Row


@dataclass(frozen=True)
class AssembledPrompt:
    """All that is asked of a model about one row."""

    texts: list[list[str]]
    """Pieces of the text before the answer: of each answer, and then of each for every text without content."""
    answers: list[str]
    """Text of each answer that is scored."""
    questions: list[Question]
    """For each of `texts`."""
    examples: int
    """Examples that fit."""
    fits: bool
    """False if the row itself is longer than the context, and loses its beginning."""


class Assembler:
    """Assembles prompts for a model's context.

    Args:
        form: of the task.
        context: tokens of the model.
        calibrated: True to also ask about rows without content.

    Raises:
        PretraceError: a prompt without its row is longer than the context.
    """

    def __init__(self, form: Form, context: int, calibrated: bool) -> None:
        self._form, self._context = form, context
        self._start = np.array([form.text.vocabulary.document_end_id], np.int64)
        self.content_free = list(form.prompt.content_free) if calibrated else []
        self._examples: dict[tuple[tuple[str, ...], float], str] = {}
        self._check_length()

    def assemble(self, row: Row, examples: Sequence[Row]) -> AssembledPrompt:
        """Return the prompt of a row with as many of the examples as fit.

        The first of `examples` stands next to the row, and the last is the first to be dropped.

        Raises:
            PretraceError: the prompt's file asks for one blank, and the row has another number.
        """
        form = self._form
        written = [
            form.written(row, answer, free) for free in (None, *self.content_free) for answer in form.answers(row)
        ]
        shown = [self._example(example) for example in examples]
        kept = self._fitting(written, shown)
        while True:  # where a token reaches across pieces, the whole may be longer than its parts
            pieces = [self._pieces(shown[:kept], text) for text, _ in written]
            questions = [self._question(own, answer) for own, (_, answer) in zip(pieces, written, strict=True)]
            fits = max(map(_length, questions)) <= self._context
            if fits or not kept:
                break
            kept -= 1
        answers = [answer for _, answer in written[: len(form.answers(row))]]
        return AssembledPrompt(pieces, answers, questions, kept, fits)

    def unconditional(self, row: Row) -> list[Question]:
        """Return questions on the answers of a row behind the premise of its prompt."""
        form, premise = self._form, self._form.text.prepared(self._form.prompt.premise)
        return [self._question([premise], form.written(row, answer)[1]) for answer in form.answers(row)]

    def _fitting(self, written: Sequence[tuple[str, str]], shown: Sequence[str]) -> int:
        """Return how many of the examples fit, by the tokens of the pieces."""
        if not shown:
            return 0
        text, between = self._form.text, self._form.between
        longest = max(_length(self._question(self._pieces([], own), answer)) for own, answer in written)
        sizes = [len(text.encoded([text.joined([between, one])])) for one in shown]
        return int(np.searchsorted(np.cumsum(sizes), self._context - longest, side="right"))

    def _example(self, row: Row) -> str:
        key = (row.parts, row.label)
        if key not in self._examples:
            self._examples[key] = self._form.example(row)
        return self._examples[key]

    def _pieces(self, shown: Sequence[str], text: str) -> list[str]:
        """Return the pieces of a prompt: what stands before, examples, the row. What separates is with what follows."""
        form = self._form
        rows = [*reversed(shown), text]
        joined = [rows[0], *(form.text.joined([form.between, one]) for one in rows[1:])]
        return [form.before, *joined] if form.before else joined

    def _question(self, pieces: Sequence[str], answer: str) -> Question:
        given, asked = self._form.text.continuation(pieces, answer)
        return Question(np.concatenate([self._start, given]), asked)

    def _check_length(self) -> None:
        form = self._form
        for answer in form.fixed_answers or [""]:
            text, scored = form.without_row(answer)
            tokens = _length(self._question(self._pieces([], text), scored))
            if tokens > self._context:
                raise PretraceError(
                    f"{form.file}: row: {tokens:,} tokens without the row's own text, and the model's context has "
                    f"{self._context:,}; shorten `row` or `before`"
                )


def _length(question: Question) -> int:
    return len(question.given) + len(question.asked)
