"""From what a file has as an answer to a class, the number of a choice, or a number; and what is wrong with it."""

from __future__ import annotations

import math
import string
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.settings import Task
from pretrace.tasks.read_table import column_of

LETTERS = string.ascii_uppercase


def is_missing(value: Any) -> bool:
    """Whether a cell has nothing in it."""
    if isinstance(value, str):
        return not value
    return value is None or (isinstance(value, float) and math.isnan(value))


def named(answer: Any, task: Task) -> str:
    """An answer as text, by the name that `labels` gives it."""
    text = str(answer)
    return (task.labels or {}).get(text, text)


def skipped(answer: Any, task: Task) -> bool:
    """Whether a row with this answer is left out."""
    text = "" if is_missing(answer) else str(answer)
    return bool(task.skip_labels) and (text in task.skip_labels)


def classes_of(name: str, task: Task, train: Any, file: str) -> list[str]:
    """The names of the classes, in order: every label of the train rows. Class 1 is `positive`, if that is set.

    Raises:
        PretraceError: a row has none, all have the same, one is not among `labels`, or the metric takes two.
    """
    column = task.columns.label
    found: dict[str, str] = {}
    for place, answer in column_of(train, column, file).items():
        if skipped(answer, task):
            continue
        if is_missing(answer):
            raise PretraceError(f"{place}: column {column!r} is empty; every row needs a label")
        found.setdefault(named(answer, task), place)
    if task.labels:
        names = sorted(set(task.labels.values()))
        for label in found.keys() - names:
            raise PretraceError(f"{found[label]}: label {label!r} is none of `labels`, which name {', '.join(names)}")
    labels = sorted(found)
    if len(labels) < 2:
        only = f"has one label only: {labels[0]}" if labels else "has no label that is not skipped"
        raise PretraceError(f"{file}: column {column!r} {only}; a task needs two")
    if task.positive is not None and len(labels) != 2:
        key = "metric: f1 takes" if task.metric == "f1" else "positive: takes"
        raise PretraceError(f"params.yaml: tasks.{name}.{key} two labels, the file has {', '.join(labels)}")
    if task.positive is not None and task.positive not in labels:
        raise PretraceError(f"params.yaml: tasks.{name}.positive: got {task.positive!r}; takes {' or '.join(labels)}")
    return sorted(labels, key=lambda label: label == task.positive)


def label_of(answer: Any, task: Task, labels: list[str] | None, choices: int, where: str) -> int | float:
    """The answer of a row as training has it. Raises `PretraceError` where it is none."""
    if task.kind == "regression":
        return _number(answer, task.soft_classes, where)
    if task.kind == "multiple_choice":
        text = named(answer, task)
        index = LETTERS.find(text) if len(text) == 1 and text.isalpha() else int(text) if text.isdecimal() else -1
        if not 0 <= index < choices:
            last = LETTERS[min(choices, len(LETTERS)) - 1]
            raise PretraceError(f"{where}: label {answer!r}; takes A to {last}, or a number from 0 to {choices - 1}")
        return index
    assert labels is not None
    if is_missing(answer) or named(answer, task) not in labels:
        raise PretraceError(f"{where}: label {answer!r} does not occur in train, which has {', '.join(labels)}")
    return labels.index(named(answer, task))


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
