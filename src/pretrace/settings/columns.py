"""Names of the columns in a file of documents or task rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pretrace.settings.section import Section


class Columns(Section):
    """Names of columns. Only those that the content of the file needs are read."""

    text: str = "text"
    """Corpus: the document's text. Classification task: the text to classify."""
    id: str | None = None
    """Corpus: name of the document; null: the file's name and the row's number. Task: id of the row, unique in its
    file; null: the row's number, from 0."""
    source: str | None = None
    """Corpus: where the document is from (an author, a site); null: the file's folder, or the file."""
    first: str | list[str] = "first"
    """Pair tasks: the premise, or the first sentence. Multiple choice: the context. Several are joined."""
    second: str = "second"
    """Pair tasks: the hypothesis, or the second sentence."""
    question: str | None = None
    """A question that follows `first`, such as one on a passage; the paper joins the two without a delimiter."""
    choices: str | list[str] = "choices"
    """Multiple choice: one column of lists, or a column for each choice."""
    label: str = "label"
    """A class; for regression a number; for multiple choice the index from 0 or the letter from A."""

    @property
    def context(self) -> list[str]:
        """The columns of the first part of a pair, or of the context of choices, in order."""
        first = [self.first] if isinstance(self.first, str) else self.first
        return [*first, self.question] if self.question else first

    def text_fields(self) -> Fields:
        """Return the column of a single text."""
        return Fields((self.text,))

    def pair_fields(self) -> Fields:
        """Return the columns of two texts; several columns of the first are joined, as those of a context."""
        return Fields(tuple(self.context), (self.second,))

    def choice_fields(self) -> Fields:
        """Return the columns of a context and of the choices that follow it."""
        if isinstance(self.choices, list):
            return Fields(tuple(self.context), tuple(self.choices), are_choices=True)
        return Fields(tuple(self.context), choices=self.choices, are_choices=True)


@dataclass(frozen=True)
class Fields:
    """Columns that the parts of a row come from: first the context, then a part for each of the others."""

    context: tuple[str, ...]
    """Joined by a space to the first part."""
    others: tuple[str, ...] = ()
    choices: str | None = None
    """A column of lists, in the place of `others`: each item is a part."""
    are_choices: bool = False
    """True if all but the context are choices, of which every row has the same number, two or more."""

    @property
    def names(self) -> list[str]:
        """All columns, in the order of the parts."""
        return [*self.context, *self.others, *([self.choices] if self.choices is not None else [])]

    def column_of_part(self, part: int) -> str:
        """Return the column that a part is from, of a context its first; parts are counted from 0."""
        if part == 0:
            return self.context[0]
        return self.choices if self.choices is not None else self.others[part - 1]

    @property
    def are_one_text(self) -> bool:
        """True if a row is a single text."""
        return len(self.context) == 1 and not self.others and self.choices is None

    def describe(self) -> str:
        """Return the columns that a row needs, for error lines."""
        if self.are_one_text:
            return repr(self.context[0])
        others = list(self.others) if self.are_choices else self.others[0]
        return f"{self.context[0]!r} and {others if self.choices is None else self.choices!r}"

    def as_row(self, parts: Sequence[str]) -> dict[str, Any]:
        """Return parts under their columns, the inverse of reading a row; the whole context is in its first column."""
        row: dict[str, Any] = dict.fromkeys(self.context, "") | {self.context[0]: parts[0]}
        if self.choices is not None:
            return row | {self.choices: list(parts[1:])}
        return row | dict(zip(self.others, parts[1:], strict=True))
