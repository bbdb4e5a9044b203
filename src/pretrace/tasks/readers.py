"""Labelled files as tasks: .parquet, .csv, .tsv or .jsonl in, checked rows out.

Every complaint names the file, and the row (counted from 1) or the column.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable
from typing import Any

import numpy as np

from pretrace.errors import PretraceError
from pretrace.settings import Columns, Task
from pretrace.tasks.passages import generator_for
from pretrace.tasks.rows import SPLITS, Row, TaskData
from pretrace.tasks.tables import column_of, read_table

DEV_SHARE = 0.1
"""Of the training rows, where a task has no dev file."""
LETTERS = string.ascii_uppercase


def read_task_files(name: str, task: Task, clean: Callable[[str], str]) -> TaskData:
    """Read a task's files, clean their text, and turn labels into numbers.

    Raises:
        PretraceError: a file, column or value is missing or unusable, or a label occurs that train does not have.
    """
    files = {"train": task.train, "dev": task.dev, "test": task.test}
    tables = {split: read_table(name, split, file) for split, file in files.items() if file}
    data = TaskData(task.kind, task.metric_name, None)
    if task.kind not in ("regression", "multiple_choice"):
        data.labels = _classes(name, task, tables["train"])
    if "dev" not in tables:
        if len(tables["train"]) < 2:
            raise PretraceError(f"{task.train}: has one row only; dev rows are cut from it, so two are the least")
        order = generator_for(name, "dev").permutation(len(tables["train"]))
        cut = max(1, int(DEV_SHARE * len(order)))
        tables["dev"], tables["train"] = (tables["train"].iloc[np.sort(p)] for p in (order[:cut], order[cut:]))
    limits = {"train": task.train_rows, "dev": task.test_rows, "test": task.test_rows}
    for split, limit in limits.items():
        if limit and limit < len(tables[split]):
            chosen = generator_for(name, split, "sample").permutation(len(tables[split]))[:limit]
            tables[split] = tables[split].iloc[np.sort(chosen)]
    for split in SPLITS:
        file = str(files[split] or files["train"])
        data.splits[split] = _rows(tables[split], file, task, data.labels, clean)
        parts = len(data.splits["train"][0].parts)
        if len(data.splits[split][0].parts) != parts:
            raise PretraceError(f"{file}: every row needs {parts - 1} choices, as in {files['train']}")
    return data


def _classes(name: str, task: Task, train: Any) -> list[str]:
    """The names of the classes, in order: every label of the train file."""
    column = task.columns.label
    answers = column_of(train, column, task.train)
    missing = np.flatnonzero(answers.isna() | (answers == ""))
    if len(missing):
        raise PretraceError(f"{task.train}: row {missing[0] + 1}: column {column!r} is empty; every row needs a label")
    labels = sorted({str(label) for label in answers})
    if len(labels) < 2:
        raise PretraceError(f"{task.train}: column {column!r} has one label only: {labels[0]}; a task needs two")
    if task.metric_name == "f1" and len(labels) != 2:
        raise PretraceError(f"params.yaml: tasks.{name}.metric: f1 takes two labels, the file has {', '.join(labels)}")
    if task.positive is not None and task.positive not in labels:
        raise PretraceError(f"params.yaml: tasks.{name}.positive: got {task.positive!r}; takes {' or '.join(labels)}")
    return sorted(labels, key=lambda label: label == task.positive)  # class 1 is what F1 counts


def _rows(table: Any, file: str, task: Task, labels: list[str] | None, clean: Callable[[str], str]) -> list[Row]:
    parts = _parts(table, file, task.kind, task.columns)
    answers = column_of(table, task.columns.label, file)
    rows = []
    for place, texts, answer in zip(table.index, parts, answers, strict=True):
        where = f"{file}: row {place + 1}"
        if task.kind == "multiple_choice" and (len(texts) != len(parts[0]) or len(texts) < 3):
            raise PretraceError(f"{where}: has {len(texts) - 1} choices; every row needs the same number, two or more")
        for text in texts:
            if not isinstance(text, str):
                raise PretraceError(f"{where}: text expected, got {text!r}")
        cleaned = tuple(" ".join(clean(text).split()) for text in texts)
        rows.append(Row(cleaned, _label(answer, task, labels, len(texts) - 1, where), f"{file}:{place + 1}"))
    return rows


def _parts(table: Any, file: str, kind: str, columns: Columns) -> list[tuple[Any, ...]]:
    if kind == "classification":
        return [(text,) for text in column_of(table, columns.text, file)]
    if kind != "multiple_choice":
        first, second = (column_of(table, column, file) for column in (columns.first, columns.second))
        return list(zip(first, second, strict=True))
    contexts = column_of(table, columns.first, file)
    if columns.question:
        questions = column_of(table, columns.question, file)
        both = zip(contexts, questions, strict=True)
        contexts = [f"{a} {b}" if isinstance(a, str) and isinstance(b, str) else None for a, b in both]
    if isinstance(columns.choices, list):
        by_column = [column_of(table, column, file) for column in columns.choices]
        choices = [tuple(values.loc[place] for values in by_column) for place in table.index]
    else:
        lists = column_of(table, columns.choices, file)
        choices = [_choices(value, f"{file}: row {place + 1}") for place, value in lists.items()]
    return [(context, *chosen) for context, chosen in zip(contexts, choices, strict=True)]


def _choices(value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple | np.ndarray):
        raise PretraceError(f"{where}: a list of choices expected, got {value!r}; `choices` also takes one column each")
    return tuple(value)


def _label(answer: Any, task: Task, labels: list[str] | None, choices: int, where: str) -> int | float:
    if task.kind == "regression":
        return _number(answer, task.soft_classes, where)
    if task.kind == "multiple_choice":
        text = str(answer)
        index = LETTERS.find(text) if len(text) == 1 and text.isalpha() else int(text) if text.isdecimal() else -1
        if not 0 <= index < choices:
            last = LETTERS[min(choices, len(LETTERS)) - 1]
            raise PretraceError(f"{where}: label {answer!r}; takes A to {last}, or a number from 0 to {choices - 1}")
        return index
    assert labels is not None
    if str(answer) not in labels:
        raise PretraceError(f"{where}: label {answer!r} does not occur in train, which has {', '.join(labels)}")
    return labels.index(str(answer))


def _number(answer: Any, soft_classes: int | None, where: str) -> float:
    try:
        number = float(answer)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise PretraceError(f"{where}: label {answer!r} is not a number; regression takes numbers")
    if soft_classes and not 0 <= number <= soft_classes - 1:
        raise PretraceError(
            f"{where}: label {number:g}; `soft_classes: {soft_classes}` takes numbers from 0 to {soft_classes - 1}"
        )
    return number
