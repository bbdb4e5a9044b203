"""Tables of plain rows from published files, and from rows of the Hub's copies.

`Task.format` names the form. A row keeps the place of the object that it is from, so that all answers to the questions
on a passage are of one document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import TABLE_BYTES, read_text
from pretrace.corpus.readers.tables.read_table import places_of
from pretrace.settings.experiment import TaskFormat
from pretrace.tasks.published.forms import (
    ObjectRows,
    arc_rows,
    multirc_rows,
    openbookqa_rows,
    record_rows,
    same_row,
    wsc_rows,
)
from pretrace.tasks.published.winograd import winograd_objects
from pretrace.tasks.raw_files import labels_file
from pretrace.tasks.read_table import read_file

Objects = Callable[[str], Iterator[dict[str, Any]]]


def table_objects(*keys: str) -> Objects:
    """Return a reader of the objects of a table: of each row, these columns if they are there."""

    def objects(place: str) -> Iterator[dict[str, Any]]:
        table = read_file(place, keys)
        names = [key for key in keys if key in table.columns]
        for values in zip(*(table.columns[name] for name in names), strict=True):
            yield dict(zip(names, values, strict=True))

    return objects


def piqa_objects(place: str) -> Iterator[dict[str, Any]]:
    """Yield PIQA's rows with their labels, which are in a file of their own."""
    labels = read_text(labels_file(place), TABLE_BYTES).split()
    rows = list(table_objects("goal", "sol1", "sol2")(place))
    if len(labels) != len(rows):
        raise ValueError(f"{len(rows):,} rows, and {len(labels):,} labels in {labels_file(place)}")
    yield from ({**row, "label": label} for row, label in zip(rows, labels, strict=True))


@dataclass(frozen=True)
class Form:
    """A published form."""

    objects: Objects
    """Reads a file."""
    rows: ObjectRows
    """Yields the rows of an object, of a file or of the Hub's copy."""


FORMS: dict[str, Form] = {
    "arc": Form(table_objects("question", "choices", "answerKey"), arc_rows),
    "openbookqa": Form(table_objects("question", "question_stem", "choices", "answerKey"), openbookqa_rows),
    "multirc": Form(table_objects("passage", "paragraph", "question", "answer", "label"), multirc_rows),
    "piqa": Form(piqa_objects, same_row),
    "record": Form(table_objects("passage", "qas", "query", "entities", "answers"), record_rows),
    "winograd": Form(winograd_objects, same_row),
    "wsc": Form(
        table_objects("text", "target", "span1_text", "span2_text", "span2_index", "label"),
        wsc_rows,
    ),
}


def published_rows(place: str, form: TaskFormat, key: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of a file, and where each is.

    Args:
        key: of the form in params.yaml, for error lines.

    Raises:
        PretraceError: the file is missing, or of another form.
    """
    return rows_of(_read(place, form, key), place, form, key)


def rows_of(objects: Iterable[dict[str, Any]], place: str, form: TaskFormat, key: str) -> tuple[list[Any], list[str]]:
    """Return the rows of objects of a form, and where each is.

    Raises:
        PretraceError: an object is of another form, or there are no rows.
    """
    rows: list[dict[str, Any]] = []
    places: list[str] = []
    known = list(objects)
    for one, where in zip(known, places_of(place, len(known)), strict=True):
        try:
            own = list(FORMS[form].rows(one))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise _other_form(where, form, key, error) from None
        rows += own
        places += [where] * len(own)
    if not rows:
        raise PretraceError(f"{place}: has no rows")
    return rows, places


def _read(place: str, form: TaskFormat, key: str) -> list[dict[str, Any]]:
    try:
        return list(FORMS[form].objects(place))
    except ValueError as error:
        raise _other_form(place, form, key, error) from None


def _other_form(where: str, form: TaskFormat, key: str, error: Exception) -> PretraceError:
    said = f"no {error}" if isinstance(error, KeyError) else str(error)[:120]
    return PretraceError(f"{where}: not in the form that {key}: {form} reads ({said})")
