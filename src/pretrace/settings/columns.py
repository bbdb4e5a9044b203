"""Which column of a file holds what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pretrace.settings.section import Section


class Columns(Section):
    """Which columns of a file hold what. Only what the file's kind of content needs is read."""

    text: str = "text"
    """Corpus: the document's text. Classification task: the text to classify."""
    id: str | None = None
    """Corpus: the document's name; without it, the file's name and the row's number. Task: the row's, which no other
    row of its file may have; without it, the row's number from 0."""
    source: str | None = None
    """Corpus: where the document is from (an author, a site); without it, the file's folder, or the file."""
    first: str | list[str] = "first"
    """Pair tasks: the premise, or the first sentence. Multiple choice: the context, of several columns if it is a
    list."""
    second: str = "second"
    """Pair tasks: the hypothesis, or the second sentence."""
    question: str | None = None
    """Multiple choice: a question that follows the context; the paper joins the two without a delimiter."""
    choices: str | list[str] = "choices"
    """Multiple choice: a column of lists, or one column a choice."""
    label: str = "label"
    """The answer: a class, a number for regression; for multiple choice the index from 0 or the letter from A."""

    @property
    def context(self) -> list[str]:
        """The columns that the first part of a pair or the context of choices is from, in order."""
        first = [self.first] if isinstance(self.first, str) else self.first
        return [*first, self.question] if self.question else first


def as_row(parts: Sequence[str], kind: str, columns: dict[str, Any]) -> dict[str, Any]:
    """Parts of text under the columns that they are asked by; the inverse of reading a row."""
    named = Columns(**columns)
    if kind == "classification":
        return {named.text: parts[0]}
    row = dict.fromkeys(named.context, "") | {named.context[0]: parts[0]}
    if kind != "multiple_choice":
        return {named.context[0]: parts[0], named.second: parts[1]}
    choices = list(parts[1:])
    return row | (
        dict(zip(named.choices, choices, strict=True)) if isinstance(named.choices, list) else {named.choices: choices}
    )
