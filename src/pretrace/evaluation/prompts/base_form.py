"""The form that all prompts have: what stands before, between, and in a row with its answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from pretrace.evaluation.prompts.text import PromptText
from pretrace.settings.prompts.prompt import Prompt, prompt_file
from pretrace.tasks.rows.dataset import Row


class Form(ABC):
    """Writes the rows of a task.

    Args:
        name: of the prompt.
        kind: of the task.
        text: of the vocabulary.
    """

    levels: list[float] | None = None
    """Numbers among which one is answered; None: answers are no numbers."""
    fixed_answers: list[str]
    """Answers that all rows have, prepared; empty if they are the row's own."""
    has_choices = False
    """True if the answers are the row's own."""
    scores_row = False
    """True if the text that is scored has more of the row in it than its answer."""

    def __init__(self, name: str, prompt: Prompt, kind: str, text: PromptText) -> None:
        self.name, self.prompt, self.text = name, prompt, text
        self._row, self._answer = prompt.template("row", kind), prompt.template("answer", kind)

    @property
    def file(self) -> str:
        """The prompt's file."""
        return prompt_file(self.name)

    @property
    def before(self) -> str:
        """Text before all examples, prepared."""
        return self.text.prepared(self.prompt.before)

    @property
    def between(self) -> str:
        """Text between examples, prepared."""
        return self.text.prepared(self.prompt.between)

    @abstractmethod
    def answers(self, row: Row) -> Sequence[str]:
        """Return the answers that are scored for a row, prepared."""

    @abstractmethod
    def right(self, row: Row) -> int:
        """Return the index of a labeled row's answer."""

    @abstractmethod
    def written(self, row: Row, answer: str, content_free: str | None = None) -> tuple[str, str]:
        """Return the text of a row, and the text of an answer that follows it and is scored.

        Args:
            content_free: stands in the place of the row's own texts, as it is in the prompt's file.
        """

    @abstractmethod
    def without_row(self, answer: str) -> tuple[str, str]:
        """Return the same with nothing in the fields of the row."""

    @abstractmethod
    def example(self, row: Row) -> str:
        """Return a row with its answer."""

    def _filled(self, values: Mapping[str, str]) -> tuple[str, str]:
        return self.text.filled(self._row, values), self.text.filled(self._answer, values)
