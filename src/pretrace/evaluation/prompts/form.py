"""A prompt for one task: the text of a row, of its answers and of an example."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.evaluation.prompts.base_form import Form
from pretrace.evaluation.prompts.text import PromptText
from pretrace.evaluation.zero_shot.heuristics import around_blank
from pretrace.settings.kinds import KIND_FACTS
from pretrace.settings.prompts.prompt import ANSWER, MOST_LEVELS, Prompt
from pretrace.tasks.rows.dataset import Row, TaskData, own_choices
from pretrace.tasks.rows.kinds import KINDS

BLANK = ("before", "after")


class PromptForm(Form):
    """Writes the rows of a task whose answers are compared.

    Args:
        name: of the prompt.
        task: as `pretrace.tasks.rows.dataset.read_rows` reads it.
        text: of the vocabulary.

    Raises:
        PretraceError: a class has no word, or one that the vocabulary cannot write, or two have the same.
    """

    def __init__(self, name: str, prompt: Prompt, task: TaskData, text: PromptText) -> None:
        super().__init__(name, prompt, task.kind, text)
        self._facts, self._kind = KIND_FACTS[task.kind], KINDS[task.kind]
        self._has_blank = bool((self._row.fields | self._answer.fields) & set(BLANK))
        self.levels = self._levels(task) if self._facts.numeric else None
        levels = [f"{level:g}" for level in self.levels or []]
        names = (task.labels or []) if self._facts.named else levels
        self.has_choices, self.scores_row = self._kind.chooses, bool(self._answer.fields - {ANSWER, "labels"})
        self._words = [self._word(name) for name in names]
        self._labels = text.prepared(_listed(self._words))
        self.fixed_answers = [text.prepared(word) for word in self._words]
        self._check_words(names)

    def answers(self, row: Row) -> Sequence[str]:
        """Return the answers to a row, prepared: words of classes or levels, or its own choices."""
        if not self.has_choices:
            return self.fixed_answers
        return row.parts[1 : 1 + own_choices(row.parts, row.label)]

    def right(self, row: Row) -> int:
        """Return the index of a labeled row's answer: of a number, the nearest level."""
        if self.levels is not None:
            return int(np.abs(np.array(self.levels) - row.label).argmin())
        return int(row.label)

    def written(self, row: Row, answer: str, content_free: str | None = None) -> tuple[str, str]:
        """Return the text of a row, and the text of an answer that follows it and is scored.

        Args:
            content_free: stands in the place of the row's own texts, as it is in the prompt's file.

        Raises:
            PretraceError: the templates have `before` or `after`, and the row does not have one blank.
        """
        values = dict(zip(self._facts.part_fields, row.parts, strict=False))
        if self._has_blank:
            values |= dict(zip(BLANK, around_blank(row.parts[0], row.origin), strict=True))
        if content_free is not None:
            values = dict.fromkeys(values, self.text.prepared(content_free))
        return self._filled({**values, "labels": self._labels, ANSWER: answer})

    def without_row(self, answer: str) -> tuple[str, str]:
        """Return the same with nothing in the fields of the row."""
        fields = (*self._facts.part_fields, *self._facts.prompt_fields)
        return self._filled(dict.fromkeys(fields, "") | {"labels": self._labels, ANSWER: answer})

    def example(self, row: Row) -> str:
        """Return a row with its answer."""
        return self.text.joined(self.written(row, self.answers(row)[self.right(row)]))

    def _word(self, name: str) -> str:
        labels = self.prompt.labels
        if labels and name not in labels and self._facts.named:
            raise PretraceError(f"{self.file}: labels: no word for class {name!r}; has {', '.join(labels)}")
        return labels.get(name, name.replace("_", " "))

    def _levels(self, task: TaskData) -> list[float]:
        if self.prompt.levels:
            return list(self.prompt.levels)
        labels = [row.label for row in task.splits["train"]]
        levels = list(range(int(np.floor(min(labels))), int(np.ceil(max(labels))) + 1))
        if not 2 <= len(levels) <= MOST_LEVELS:
            raise PretraceError(
                f"{self.file}: levels: the labels of train go from {min(labels):g} to {max(labels):g}; name two to "
                f"{MOST_LEVELS} numbers among which one is answered"
            )
        return [float(level) for level in levels]

    def _check_words(self, names: Sequence[str]) -> None:
        known: dict[bytes, str] = {}
        for name, word, answer in zip(names, self._words, self.fixed_answers, strict=True):
            ids = self.text.encoded([self.text.vocabulary.between + answer])
            if not self.text.can_write(ids):
                raise PretraceError(f"{self.file}: labels.{name}: the vocabulary cannot write {word!r}; take another")
            if (other := known.setdefault(ids.tobytes(), name)) != name:
                raise PretraceError(
                    f"{self.file}: labels.{name}: {word!r} reads as that of {other} to the vocabulary; take another"
                )


def _listed(words: Sequence[str]) -> str:
    """Return words as GPT-3 lists them: "True, False, or Neither", "yes or no"."""
    if len(words) < 3:
        return " or ".join(words)
    return f"{', '.join(words[:-1])}, or {words[-1]}"
