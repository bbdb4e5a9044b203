"""Predictions of a fine-tuned model for new rows: `pretrace predict`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.corpus import clean_text
from pretrace.settings.columns import Fields
from pretrace.tasks.dataset import EncodedSplit
from pretrace.tokens import Vocabulary
from pretrace.training.finetuning.artifacts import predict_rows
from pretrace.training.finetuning.load import Finetuned, open_cell

Label = str | int | float
"""The name of a class, the index of a choice from 0, or a number."""


def predict_lines(cell: str, lines: Iterable[str], name: str) -> list[Label]:
    """Return the predictions for rows of a task, in their order.

    Args:
        cell: the task and the variant, "source-full", or their folder.
        lines: JSON objects with the task's columns; for classification also plain text, one row per line.
        name: of the file, for error lines.

    Raises:
        PretraceError: the model is not there, does not fit the vocabulary, or a row is unusable.
    """
    model = open_cell(cell)
    return _predict(model, [_read_line(line, model.fields, where) for where, line in _numbered(lines, name)], name)


def predict_records(model: Finetuned, records: list[dict[str, Any]], name: str) -> list[Label]:
    """Return the predictions for rows that are already read: the text of each column."""
    rows = [_parts(record, model.fields, f"{name}: row {number}") for number, record in enumerate(records, 1)]
    return _predict(model, rows, name)


def _predict(model: Finetuned, rows: list[list[str]], name: str) -> list[Label]:
    if not rows:
        raise PretraceError(f"{name}: no rows there")
    predictions = predict_rows(model.model, model.config, _encode(rows, model.vocabulary, name)).values_E
    return [model.kind.readable(value, model.config.labels) for value in predictions]


def _numbered(lines: Iterable[str], name: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield f"{name}: row {number}", line.strip()


def _read_line(line: str, fields: Fields, where: str) -> list[str]:
    """Return the parts of a row, as the task's own rows have them."""
    if fields.are_one_text and not line.startswith("{"):
        return [line]
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PretraceError(f"{where}: not JSON ({error}); takes an object with {fields.describe()}") from None
    if not isinstance(record, dict):
        raise PretraceError(f"{where}: takes a JSON object with {fields.describe()}")
    return _parts(record, fields, where)


def _parts(record: dict[str, Any], fields: Fields, where: str) -> list[str]:
    context = " ".join(_text(record, column, where) for column in fields.context)
    if fields.choices is None:
        return [context, *(_text(record, column, where) for column in fields.others)]
    choices = record.get(fields.choices)
    if not isinstance(choices, list) or len(choices) < 2 or not all(isinstance(text, str) for text in choices):
        raise PretraceError(f"{where}: {fields.choices!r} takes a list of two or more texts, got {choices!r}")
    return [context, *choices]


def _text(record: dict[str, Any], column: str, where: str) -> str:
    text = record.get(column)
    if not isinstance(text, str):
        raise PretraceError(f"{where}: {column!r} takes text, got {text!r}; the row has {', '.join(record)}")
    return text


def _encode(rows: list[list[str]], vocabulary: Vocabulary, name: str) -> EncodedSplit:
    """Rows as in training: cleaned, on one line, as token ids."""
    parts = len(rows[0])
    if any(len(row) != parts for row in rows):
        raise PretraceError(f"{name}: every row needs the same number of choices")
    ids = [vocabulary.encode_array(" ".join(clean_text(text).split())) for row in rows for text in row]
    offsets = np.cumsum([0] + [len(part) for part in ids]).astype(np.int64)
    return EncodedSplit(np.concatenate(ids), offsets, np.zeros(len(rows), np.int64), parts)
