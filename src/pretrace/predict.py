"""Answers of a fine-tuned model for rows that it has not seen: `pretrace predict`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.corpus import clean_text
from pretrace.errors import PretraceError
from pretrace.files import read_json
from pretrace.model.heads import TaskModel
from pretrace.settings import Columns
from pretrace.settings.section import checked
from pretrace.tasks.rows import EncodedSplit
from pretrace.training.finetuned import CONFIG, ask, load_finetuned
from pretrace.vocabulary import Vocabulary, load_vocabulary

FINETUNED = Path("models/finetuned")
VOCABULARY = Path("models/vocabulary")


def answers(cell: str, lines: Iterable[str], name: str) -> list[str | int | float]:
    """Answers for rows of a task, in their order: a label, a choice's number from 0, or a number.

    Args:
        cell: the task and the variant, "source-full", or their folder.
        lines: JSON objects with the task's columns; for classification also plain text, a row a line.
        name: of the file, for what is said about a row.

    Raises:
        PretraceError: the model is not there, does not fit the vocabulary, or a row is unusable.
    """
    model, note, vocabulary = open_finetuned(cell)
    kind, folder = note["kind"], finetuned_folder(cell)
    columns = checked(Columns, note["columns"], str(folder / CONFIG), "columns")
    rows = [_parts(line, kind, columns, where) for where, line in _numbered(lines, name)]
    if not rows:
        raise PretraceError(f"{name}: no rows there")
    found = ask(model, note, _encoded(rows, vocabulary, name)).predictions_E
    if kind == "regression":
        return [round(float(value), 4) for value in found]
    return [note["labels"][int(value)] if note["labels"] else int(value) for value in found]


def finetuned_folder(cell: str) -> Path:
    """The folder of a fine-tuned model, by its name or path; it may not be there."""
    return Path(cell) if Path(cell).parent == FINETUNED else FINETUNED / cell


def open_finetuned(cell: str) -> tuple[TaskModel, dict[str, Any], Vocabulary]:
    """A fine-tuned model, its `config.json` and its vocabulary.

    Raises:
        PretraceError: there is none, it is damaged, or the vocabulary is another one.
    """
    folder = finetuned_folder(cell)
    if not folder.is_dir() or folder.parent != FINETUNED:
        known = ", ".join(sorted(path.name for path in FINETUNED.glob("*-*"))) or "no model yet; run `dvc repro`"
        raise PretraceError(f"{cell}: not in {FINETUNED}, which has {known}")
    if (folder / "unavailable.json").exists():
        raise PretraceError(f"{folder}: there is no model: {read_json(folder / 'unavailable.json')['unavailable']}")
    model, note = load_finetuned(folder)
    vocabulary = load_vocabulary(VOCABULARY)
    if vocabulary.size != note["model"]["vocabulary_size"]:
        raise PretraceError(
            f"{VOCABULARY}: has {vocabulary.size} pieces, and {folder} was made with "
            f"{note['model']['vocabulary_size']}; check out the vocabulary of its run (`dvc checkout`)"
        )
    return model, note, vocabulary


def _numbered(lines: Iterable[str], name: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield f"{name}: row {number}", line.strip()


def _parts(line: str, kind: str, columns: Columns, where: str) -> tuple[str, ...]:
    """The parts of text of a row, as the task's own rows have them."""
    if kind == "classification" and not line.startswith("{"):
        return (line,)
    try:
        row = json.loads(line)
    except ValueError as error:
        raise PretraceError(f"{where}: not JSON ({error}); takes an object with {_wanted(kind, columns)}") from None
    if not isinstance(row, dict):
        raise PretraceError(f"{where}: takes a JSON object with {_wanted(kind, columns)}")
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
