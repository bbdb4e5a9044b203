"""Labelled files as tasks: .parquet, .csv, .tsv or .jsonl in, checked rows out.

Every complaint names the file, and the row (counted from 1) or the column.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.errors import PretraceError
from pretrace.settings import Columns, Task
from pretrace.tasks.passages import generator_for
from pretrace.tasks.rows import SPLITS, Row, TaskData

DEV_SHARE = 0.1
"""Of the training rows, where a task has no dev file."""
LETTERS = "ABCDEFGHIJ"


def read_task_files(name: str, task: Task, clean: Callable[[str], str], seed: int = 0) -> TaskData:
    """Read a task's files, clean their text, and turn labels into numbers.

    Raises:
        PretraceError: a file, column or value is missing or unusable, or a label occurs that train does not have.
    """
    files = {"train": task.train, "dev": task.dev, "test": task.test}
    tables = {split: _table(name, split, file) for split, file in files.items() if file}
    if "dev" not in tables:
        order = generator_for(name, "dev").permutation(len(tables["train"]))
        cut = max(1, int(DEV_SHARE * len(order)))
        tables["dev"], tables["train"] = (tables["train"].iloc[np.sort(p)] for p in (order[:cut], order[cut:]))
    limits = {"train": task.train_rows, "dev": task.test_rows, "test": task.test_rows}
    for split, limit in limits.items():
        if limit and limit < len(tables[split]):
            chosen = generator_for(name, split, "sample").permutation(len(tables[split]))[:limit]
            tables[split] = tables[split].iloc[np.sort(chosen)]
    data = TaskData(task.kind, task.metric_name, None)
    if task.kind not in ("regression", "multiple_choice"):
        data.labels = sorted({str(label) for label in _column(tables["train"], task.columns.label, files["train"])})
        if len(data.labels) < 2:
            raise PretraceError(f"{files['train']}: column {task.columns.label!r} has one label only: {data.labels}")
        if task.metric_name == "f1" and len(data.labels) != 2:
            raise PretraceError(f"params.yaml: tasks.{name}.metric: f1 takes two labels, the file has {data.labels}")
    for split in SPLITS:
        file = str(files[split] or files["train"])
        data.splits[split] = _rows(tables[split], file, task, data.labels, clean)
    return data


def _table(name: str, split: str, file: str) -> Any:
    import pandas as pd

    path = Path(file)
    if not path.is_file():
        raise PretraceError(f"params.yaml: tasks.{name}.{split}: no file {file}; paths are from the repository's root")
    readers = {
        ".parquet": pd.read_parquet,
        ".csv": lambda p: pd.read_csv(p, dtype=str, keep_default_na=False),
        ".tsv": lambda p: pd.read_csv(p, sep="\t", dtype=str, keep_default_na=False, quoting=3),
        ".jsonl": lambda p: pd.read_json(p, lines=True, dtype=False),
    }
    if path.suffix not in readers:
        raise PretraceError(
            f"{file}: a task's rows are read from {', '.join(readers)}; this is {path.suffix or 'none'}"
        )
    try:
        table = readers[path.suffix](path)
    except Exception as error:
        raise PretraceError(f"{file}: not readable as {path.suffix}: {' '.join(str(error).split())}") from None
    if not len(table):
        raise PretraceError(f"{file}: has no rows")
    return table.reset_index(drop=True)


def _column(table: Any, column: str, file: str | None) -> Any:
    if column not in table.columns:
        has = ", ".join(map(str, table.columns))
        raise PretraceError(f"{file}: no column {column!r}; it has {has}; set the task's `columns` in params.yaml")
    return table[column]


def _rows(table: Any, file: str, task: Task, labels: list[str] | None, clean: Callable[[str], str]) -> list[Row]:
    parts = _parts(table, file, task.kind, task.columns)
    answers = _column(table, task.columns.label, file)
    rows = []
    for place, texts, answer in zip(table.index, parts, answers, strict=True):
        where = f"{file}: row {place + 1}"
        for text in texts:
            if not isinstance(text, str):
                raise PretraceError(f"{where}: text expected, got {text!r}")
        cleaned = tuple(" ".join(clean(text).split()) for text in texts)
        rows.append(Row(cleaned, _label(answer, task.kind, labels, len(texts) - 1, where), f"{file}:{place + 1}"))
    if task.kind == "multiple_choice" and len({len(row.parts) for row in rows}) > 1:
        raise PretraceError(f"{file}: column {task.columns.choices!r}: every row needs the same number of choices")
    return rows


def _parts(table: Any, file: str, kind: str, columns: Columns) -> list[tuple[Any, ...]]:
    if kind == "classification":
        return [(text,) for text in _column(table, columns.text, file)]
    if kind != "multiple_choice":
        first, second = (_column(table, column, file) for column in (columns.first, columns.second))
        return list(zip(first, second, strict=True))
    contexts = _column(table, columns.first, file)
    if columns.question:
        questions = _column(table, columns.question, file)
        contexts = [f"{context} {question}" for context, question in zip(contexts, questions, strict=True)]
    if isinstance(columns.choices, list):
        choices = list(zip(*(_column(table, column, file) for column in columns.choices), strict=True))
    else:
        choices = [tuple(row) for row in _column(table, columns.choices, file)]
    return [(context, *chosen) for context, chosen in zip(contexts, choices, strict=True)]


def _label(answer: Any, kind: str, labels: list[str] | None, choices: int, where: str) -> int | float:
    if kind == "regression":
        try:
            number = float(answer)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise PretraceError(f"{where}: label {answer!r} is not a number; regression takes numbers")
        return number
    if kind == "multiple_choice":
        text = str(answer)
        index = LETTERS.find(text) if len(text) == 1 and text.isalpha() else int(text) if text.isdigit() else -1
        if not 0 <= index < choices:
            letters = f"a letter from A to {LETTERS[choices - 1]}"
            raise PretraceError(f"{where}: label {answer!r}; takes {letters} or a number from 0 to {choices - 1}")
        return index
    assert labels is not None
    if str(answer) not in labels:
        raise PretraceError(f"{where}: label {answer!r} does not occur in train, which has {', '.join(labels)}")
    return labels.index(str(answer))
