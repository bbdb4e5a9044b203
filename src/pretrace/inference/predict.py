"""Predictions of a fine-tuned model for new rows: `pretrace predict`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.inference.read_rows import read_rows, table_of, texts_of_rows
from pretrace.tasks.rows.encoded import EncodedSplit, encode_part
from pretrace.tokens import Vocabulary
from pretrace.training.finetuning.artifacts import predict_rows
from pretrace.training.finetuning.load import Finetuned, open_cell

Label = str | int | float
"""The name of a class, the index of a choice from 0, or a number."""


def predict_file(cell: str, path: str, form: str | None, remark: Callable[[str], None]) -> Iterator[list[Label]]:
    """Yield the predictions for the rows of a file, some at a time: as many in all as rows, and in their order.

    Args:
        cell: the task and the variant, "source-full", or their folder.
        path: a file with the task's columns, or for classification plain text with a row a line; "-": standard input.
        form: jsonl, csv, tsv, parquet or text; None: that of the file's name, and JSON lines on standard input.
        remark: gets a sentence on rows without text, which are answered, too.

    Raises:
        PretraceError: the model is not there, does not fit the vocabulary, or a row is unusable; the rows before it
            have been answered, but for some.
    """
    model = open_cell(cell)
    empty, empties, parts = "", 0, 0
    for table in read_rows(path, form, model.fields):
        rows = texts_of_rows(table, model.fields)
        parts = parts or len(rows[0])
        if len(rows[0]) != parts:
            has = f"has {len(rows[0]) - 1} choices, and the rows before have {parts - 1}"
            raise PretraceError(f"{table.places[0]}: {has}; every row needs the same number")
        without = [where for where, row in zip(table.places, rows, strict=True) if not all(map(str.strip, row))]
        empty, empties = empty or "".join(without[:1]), empties + len(without)
        yield _predict(model, rows)
    if empty:
        remark(f"{empty}: has an empty text{f', and {empties - 1} more' if empties > 1 else ''}; answered as it is")


def predict_records(model: Finetuned, records: list[dict[str, Any]], name: str) -> list[Label]:
    """Return the predictions for rows that are already read: the text of each column."""
    return _predict(model, texts_of_rows(table_of(records, name, model.fields), model.fields))


def _predict(model: Finetuned, rows: list[list[str]]) -> list[Label]:
    predictions = predict_rows(model.model, model.config, _encode(rows, model.vocabulary)).values_E
    return [model.kind.readable(value, model.config.labels) for value in predictions]


def _encode(rows: list[list[str]], vocabulary: Vocabulary) -> EncodedSplit:
    """Rows as in training: prepared, on one line, as token ids."""
    parts = len(rows[0])
    ids = [encode_part(vocabulary, text) for row in rows for text in row]
    offsets = np.cumsum([0] + [len(part) for part in ids]).astype(np.int64)
    return EncodedSplit(np.concatenate(ids), offsets, np.zeros(len(rows), np.int64), parts)
