"""Classes that nobody meant, found by their names and counts.

A row is where it is, for people (`train.csv: row 7`), and its label.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from pretrace.common.errors import PretraceError
from pretrace.common.missing import INVISIBLE

SHOWN = 3
"""Rows, or pairs of classes, that a sentence names."""
LEAST_ROWS = 20
"""Rows from which nearly one class a row is no small task, but another column (ours)."""
MOST_CLASSES = 0.5
"""Classes per row above which a task has nearly one class a row (ours)."""
LARGEST_TASK = 1000
"""Classes of a task (ours); each is an output of the classifier."""
COUNTED = 12
"""Classes whose counts are shown."""


def class_warnings(rows: Sequence[tuple[str, str]], column: str, setting: str) -> list[str]:
    """Return what looks wrong with the classes of training rows, a sentence each.

    Args:
        rows: place and class of each row.
        column: that the labels are from.
        setting: of the task, such as `tasks.mine`.

    Raises:
        PretraceError: there are many rows, and no two of one class: nobody can learn that; or too many classes.
    """
    places: dict[str, list[str]] = defaultdict(list)
    for place, label in rows:
        places[label].append(place)
    if LARGEST_TASK < len(places) < len(rows):
        raise PretraceError(
            f"{rows[0][0].rpartition(': ')[0]}: column {column!r} has {len(places):,} classes; takes up to "
            f"{LARGEST_TASK:,}; is it the column of the labels ({setting}.columns.label)?"
        )
    if len(rows) >= LEAST_ROWS and len(places) > MOST_CLASSES * len(rows):
        said = f"{rows[0][0].rpartition(': ')[0]}: column {column!r} has {len(places):,} classes in {len(rows):,} rows"
        if len(places) == len(rows):
            raise PretraceError(f"{said}, one a row; set {setting}.columns.label, or `kind: regression` for numbers")
        return [f"{said}, nearly one a row: is it the column of the labels ({setting}.columns.label)?"]
    alike: dict[str, list[str]] = defaultdict(list)
    for label in sorted(places, key=lambda label: -len(places[label])):
        alike[visible(label)].append(label)
    groups = [labels for labels in alike.values() if len(labels) > 1]
    names = alike.get(visible(column), [])
    explained = {label for labels in [*groups, names] for label in labels}
    return [
        *_look_alikes(groups, places, setting),
        *_named_like(names, places),
        *_of_one_row([label for label, rows in places.items() if len(rows) == 1 and label not in explained], places),
    ]


def _look_alikes(groups: list[list[str]], places: dict[str, list[str]], setting: str) -> list[str]:
    """Return a sentence on groups of classes that look the same, if there are any."""
    if not groups:
        return []
    shown = "; ".join(
        " and ".join(f"{quoted(label)} ({_rows(places[label])})" for label in group) for group in groups[:SHOWN]
    )
    more = f"; and {len(groups) - SHOWN} more" * (len(groups) > SHOWN)
    return [
        f"classes that differ only in white space, invisible signs or Unicode form: {shown}{more}; write them "
        f"alike, or map them with {setting}.labels"
    ]


def visible(label: str) -> str:
    """Return a label as it looks: in Unicode form NFC, without invisible signs, white space as single spaces."""
    spaced = "".join([" " if sign.isspace() else sign for sign in label])
    shown = "".join([sign for sign in spaced if sign == " " or unicodedata.category(sign) not in INVISIBLE])
    return " ".join(unicodedata.normalize("NFC", shown).split())


def quoted(label: str) -> str:
    """Return a label in quotes; with escapes, where it is not in the Unicode form that most programs write (NFC)."""
    return repr(label) if unicodedata.is_normalized("NFC", label) else ascii(label)


def _named_like(names: list[str], places: dict[str, list[str]]) -> list[str]:
    """Return a sentence on each class that is called as the column is."""
    return [
        f"a class is called {quoted(label)}, as the column is ({_rows(places[label])}): is that a line of names?"
        for label in names
    ]


def _of_one_row(single: list[str], places: dict[str, list[str]]) -> list[str]:
    """Return a sentence on classes that only one row has, if there are any."""
    if not single:
        return []
    shown = ", ".join(f"{quoted(label)} ({_rows(places[label])})" for label in single[:SHOWN])
    more = f" and {len(single) - SHOWN:,} more" * (len(single) > SHOWN)
    return [f"{len(single):,} of {len(places):,} classes have one row only: {shown}{more}"]


def _rows(places: list[str]) -> str:
    """Return where rows are: all of a few, else how many there are and the first."""
    if len(places) == 1:
        return places[0]
    return f"{len(places):,} rows, the first is {places[0]}"


def counts(labels: Iterable[int], names: Sequence[str]) -> str:
    """Return how many rows each class has: 'bad' 12, 'good' 11."""
    numbers = [0] * len(names)
    for label in labels:
        numbers[label] += 1
    ordered = sorted(zip(names, numbers, strict=True), key=lambda pair: -pair[1])
    shown = ", ".join(f"{quoted(name)} {number:,}" for name, number in ordered[:COUNTED])
    return shown + f" and {len(names) - COUNTED:,} more" * (len(names) > COUNTED)
