"""From the label in a cell of a file to a class, the index of a choice, or a number; and what is wrong with it."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.missing import is_missing
from pretrace.settings import Task

LETTERS = string.ascii_uppercase
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
"""A number as people write it; Python would also take `1_0`, `nan` and the digits of other scripts."""


def class_name(value: Any, task: Task) -> str:
    """Return a label as text, as its file has it, or by the name that the task's `labels` give it."""
    text = str(value)
    return (task.labels or {}).get(text, text)


def is_skipped(value: Any, task: Task) -> bool:
    """Return True if rows with this label are left out."""
    text = "" if is_missing(value) else str(value)
    return bool(task.skip_labels) and (text in task.skip_labels)


def check_label(value: Any, column: str, where: str) -> None:
    """Raise `PretraceError` if a row has no label, or one that is neither text nor a number nor a bool."""
    if is_missing(value):
        raise PretraceError(f"{where}: column {column!r} is empty; every row needs a label")
    if not isinstance(value, str | bool | int | float | Decimal):
        what = {"bytes": "binary data", "dict": "an object"}.get(type(value).__name__, f"a {type(value).__name__}")
        raise PretraceError(
            f"{where}: column {column!r}: one label expected, a text or a number, got {what}: {str(value)[:40]}"
        )


def read_classes(name: str, task: Task, cells: Iterable[tuple[str, Any]], file: str) -> list[str]:
    """Return the names of the classes, in order. Class 1 is `positive`, if that is set.

    Args:
        cells: the label of each training row, with the place of the row.

    Raises:
        PretraceError: a row has no label or a list, all have the same, one is not among `labels`, or the metric takes
            two.
    """
    column = task.columns.label
    first_rows: dict[str, str] = {}
    for where, value in cells:
        if is_skipped(value, task):
            continue
        check_label(value, column, where)
        first_rows.setdefault(class_name(value, task), where)
    if task.labels:
        names = sorted(set(task.labels.values()))
        for label, where in first_rows.items():
            if label not in names:
                raise PretraceError(f"{where}: label {label!r} is not among `labels`: {', '.join(names)}")
    classes = sorted(first_rows)
    if len(classes) < 2:
        only = f"has one label only: {classes[0]}" if classes else "has no label that is not skipped"
        raise PretraceError(f"{file}: column {column!r} {only}; a task needs two")
    if task.positive is not None and len(classes) != 2:
        key = "metric: f1 takes" if task.metric == "f1" else "positive: takes"
        raise PretraceError(f"params.yaml: tasks.{name}.{key} two labels, the file has {', '.join(classes)}")
    if task.positive is not None and task.positive not in classes:
        raise PretraceError(f"params.yaml: tasks.{name}.positive: got {task.positive!r}; takes {' or '.join(classes)}")
    return sorted(classes, key=lambda label: label == task.positive)


def class_index(value: Any, task: Task, classes: list[str], where: str) -> int:
    """Return the index of a class. Raises `PretraceError` if the training rows do not have it."""
    if class_name(value, task) not in classes:
        whole = isinstance(value, float) and value.is_integer() and class_name(int(value), task) in classes
        advice = "; pandas makes whole numbers floats where a row is null: astype('Int64') keeps them" if whole else ""
        raise PretraceError(f"{where}: label {value!r} does not occur in train, which has {', '.join(classes)}{advice}")
    return classes.index(class_name(value, task))


def choice_index(value: Any, task: Task, choices: int, where: str) -> int:
    """Return the index of a choice, given as a letter from A or a number from 0. Raises `PretraceError`."""
    text = class_name(value, task)
    index = (
        LETTERS.find(text)
        if len(text) == 1 and text.isalpha()
        else int(text)
        if text.isdecimal() and text.isascii()
        else -1
    )
    if not 0 <= index < choices:
        last = LETTERS[min(choices, len(LETTERS)) - 1]
        raise PretraceError(f"{where}: label {value!r}; takes A to {last}, or a number from 0 to {choices - 1}")
    return index


def label_number(value: Any, soft_classes: int | None, where: str) -> float:
    """Return a label of a regression. Raises `PretraceError` if it is no number, or not on the scale."""
    written = isinstance(value, str) and not NUMBER.fullmatch(value.strip())
    number = math.nan if written or isinstance(value, bool) else float(value)
    if not math.isfinite(number):
        raise PretraceError(f"{where}: label {value!r} is not a number; regression takes numbers")
    if soft_classes and not 0 <= number <= soft_classes - 1:
        raise PretraceError(
            f"{where}: label {number:g}; `soft_classes: {soft_classes}` takes numbers from 0 to {soft_classes - 1}"
        )
    return number
