"""Answers of a fine-tuned model for rows that it has not seen: `pretrace predict`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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

FINETUNED, VOCABULARY = Path("models/finetuned"), Path("models/vocabulary")


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


@dataclass(frozen=True)
class Finetuned:
    """A fine-tuned model with what it takes to ask it."""

    model: TaskModel
    note: dict[str, Any]
    columns: Columns
    vocabulary: Vocabulary

    @property
    def kind(self) -> str:
        return self.note["kind"]


def open_cell(cell: str) -> Finetuned:
    """The fine-tuned model of a task and variant, by its name or path.

    Raises:
        PretraceError: there is none, it is damaged, or the vocabulary is another one.
    """
    folder = Path(cell) if Path(cell).parent == FINETUNED else FINETUNED / cell
    if not folder.is_dir() or folder.parent != FINETUNED:
        known = ", ".join(sorted(path.name for path in FINETUNED.glob("*-*"))) or "no model yet; run `dvc repro`"
        raise PretraceError(f"{cell}: not in {FINETUNED}, which has {known}")
    if (folder / "unavailable.json").exists():
        raise PretraceError(f"{folder}: there is no model: {read_json(folder / 'unavailable.json')['unavailable']}")
    return open_finetuned(folder, VOCABULARY)


def open_finetuned(folder: Path, vocabulary_folder: Path) -> Finetuned:
    """Read a model and the vocabulary that it was made with.

    Raises:
        PretraceError: one of them is not whole, or they do not fit each other.
    """
    model, note = load_finetuned(folder)
    vocabulary = load_vocabulary(vocabulary_folder)
    if vocabulary.size != note["model"]["vocabulary_size"]:
        raise PretraceError(
            f"{vocabulary_folder}: has {vocabulary.size} pieces, and {folder} was made with "
            f"{note['model']['vocabulary_size']}; check out the vocabulary of its run (`dvc checkout`)"
        )
    columns = checked(Columns, note["columns"], str(folder / CONFIG), "columns")
    return Finetuned(model, note, columns, vocabulary)


def answer_rows(opened: Finetuned, rows: list[dict[str, Any]], name: str) -> list[str | int | float]:
    """As `answers`, for rows that are read already: of each column its text."""
    return _answers(opened, [_parts_of(row, opened, f"{name}: row {n}") for n, row in enumerate(rows, 1)], name)


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
