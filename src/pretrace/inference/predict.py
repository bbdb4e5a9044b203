"""Answers of a fine-tuned model for rows that it has not seen: `pretrace predict`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.corpus import clean_text
from pretrace.settings import Columns
from pretrace.tasks.dataset import EncodedSplit
from pretrace.tokens import Vocabulary
from pretrace.training.finetuning.artifacts import ask
from pretrace.training.finetuning.load import Finetuned, open_cell


def answers(cell: str, lines: Iterable[str], name: str) -> list[str | int | float]:
    """Answers for rows of a task, in their order: a label, a choice's number from 0, or a number.

    Args:
        cell: the task and the variant, "source-full", or their folder.
        lines: JSON objects with the task's columns; for classification also plain text, a row a line.
        name: of the file, for what is said about a row.

    Raises:
        PretraceError: the model is not there, does not fit the vocabulary, or a row is unusable.
    """
    opened = open_cell(cell)
    return _answers(opened, [_parts(line, opened, where) for where, line in _numbered(lines, name)], name)


def answer_rows(opened: Finetuned, rows: list[dict[str, Any]], name: str) -> list[str | int | float]:
    """As `answers`, for rows that are read already: of each column its text."""
    return _answers(opened, [_parts_of(row, opened, f"{name}: row {n}") for n, row in enumerate(rows, 1)], name)


def _answers(opened: Finetuned, rows: list[tuple[str, ...]], name: str) -> list[str | int | float]:
    if not rows:
        raise PretraceError(f"{name}: no rows there")
    found = ask(opened.model, opened.note, _encoded(rows, opened.vocabulary, name)).predictions_E
    if opened.kind == "regression":
        return [round(float(value), 4) for value in found]
    labels = opened.note["labels"]
    return [labels[int(value)] if labels else int(value) for value in found]


def _numbered(lines: Iterable[str], name: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield f"{name}: row {number}", line.strip()


def _parts(line: str, opened: Finetuned, where: str) -> tuple[str, ...]:
    """The parts of text of a row, as the task's own rows have them."""
    kind, columns = opened.kind, opened.columns
    if kind == "classification" and not line.startswith("{"):
        return (line,)
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PretraceError(f"{where}: not JSON ({error}); takes an object with {_wanted(kind, columns)}") from None
    if not isinstance(row, dict):
        raise PretraceError(f"{where}: takes a JSON object with {_wanted(kind, columns)}")
    return _parts_of(row, opened, where)


def _parts_of(row: dict[str, Any], opened: Finetuned, where: str) -> tuple[str, ...]:
    kind, columns = opened.kind, opened.columns
    if kind == "classification":
        parts = [_text(row, columns.text, where)]
    elif kind == "multiple_choice":
        context = [_text(row, column, where) for column in columns.context]
        parts = [" ".join(context), *_choices(row, columns, where)]
    else:
        parts = [_text(row, column, where) for column in (*columns.context[:1], columns.second)]
    return tuple(parts)


def _choices(row: dict[str, Any], columns: Columns, where: str) -> list[str]:
    if isinstance(columns.choices, list):
        return [_text(row, column, where) for column in columns.choices]
    choices = row.get(columns.choices)
    if not isinstance(choices, list) or len(choices) < 2 or not all(isinstance(text, str) for text in choices):
        raise PretraceError(f"{where}: {columns.choices!r} takes a list of two or more texts, got {choices!r}")
    return choices


def _text(row: dict[str, Any], column: str, where: str) -> str:
    if not isinstance(row.get(column), str):
        raise PretraceError(f"{where}: {column!r} takes text, got {row.get(column)!r}; the row has {', '.join(row)}")
    return row[column]


def _wanted(kind: str, columns: Columns) -> str:
    if kind == "classification":
        return repr(columns.text)
    second = columns.choices if kind == "multiple_choice" else columns.second
    return f"{columns.context[0]!r} and {second!r}"


def _encoded(rows: list[tuple[str, ...]], vocabulary: Vocabulary, name: str) -> EncodedSplit:
    """Rows as the training has them: cleaned, one line, as ids."""
    parts = len(rows[0])
    if any(len(row) != parts for row in rows):
        raise PretraceError(f"{name}: every row needs the same number of choices")
    ids = [vocabulary.encode_array(_one_line(part)) for row in rows for part in row]
    offsets = np.cumsum([0] + [len(part) for part in ids]).astype(np.int64)
    return EncodedSplit(np.concatenate(ids), offsets, np.zeros(len(rows), np.int64), parts)


def _one_line(text: str) -> str:
    return " ".join(clean_text(text).split())
