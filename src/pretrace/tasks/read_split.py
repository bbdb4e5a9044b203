"""The rows of a split of a task, as a table of plain values whose rows know where they are.

It is read from a file, from a folder of RACE's (a row a question), or from a data set on the Hub:

    .parquet, .csv, .tsv (also as .txt), .jsonl      "train.tsv: row 7"
    a published form (pretrace.tasks.published)      "MultiRC/val.jsonl: row 7", an object of several rows
    RACE/train                                       "RACE/train/high/12.txt: row 3"
    nyu-mll/glue                                     "nyu-mll/glue/cola/train: row 7"

Rows are counted from 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import TEXT_BYTES, read_bytes
from pretrace.corpus.readers.faults import BadInputError
from pretrace.corpus.readers.json_lines import read_object
from pretrace.corpus.readers.tables.decode import decode
from pretrace.corpus.readers.tables.read_table import check_texts, places_of
from pretrace.corpus.readers.tables.table import Table
from pretrace.settings import Task
from pretrace.tasks.published.read import published_rows, rows_of
from pretrace.tasks.raw_files import is_folder, race_files
from pretrace.tasks.read_table import ADVICE, read_file
from pretrace.tasks.rows.kinds import KINDS

RACE_FIELDS = ("article", "questions", "options", "answers")


def read_split(name: str, task: Task, split: str) -> Table:
    """Return the rows of one split of a task: "train", "dev", "test" or "unlabeled".

    Raises:
        PretraceError: there is no such file, folder or data set, it is of another form, not readable, or has no rows.
    """
    place, columns = str(getattr(task, split)), task.columns
    labels = [] if split == "unlabeled" else [columns.label]
    wanted = [*KINDS[task.kind].fields(columns).names, *labels, *([columns.id] if columns.id else [])]
    if task.dataset:
        return _from_hub(name, task, place, wanted)
    path = Path(place)
    if is_folder(path) and not task.format:
        return _race(path, wanted)
    if not path.exists():
        raise PretraceError(f"params.yaml: tasks.{name}.{split}: no file {place}; paths are from the repository's root")
    if task.format:
        return _table(place, *published_rows(place, task.format, f"tasks.{name}.format"), wanted)
    return read_file(place, wanted, None if split == "unlabeled" else task.column_names)


def _from_hub(name: str, task: Task, split: str, wanted: list[str]) -> Table:
    """Return a split of a data set; labels that are classes are numbers, as on the Hub."""
    from pretrace.corpus.readers.huggingface import dataset_rows
    from pretrace.settings import Dataset

    assert task.dataset is not None
    dataset = Dataset(**task.dataset.model_dump(), split=split)
    place = "/".join(filter(None, (task.dataset.name, task.dataset.config, split)))
    rows = [row for _, row in dataset_rows(dataset, [], f"tasks.{name}.dataset") if isinstance(row, dict)]
    if not rows:
        raise PretraceError(f"{place}: has no rows")
    if task.format:
        return _table(place, *rows_of(rows, place, task.format, f"tasks.{name}.format"), wanted)
    return _table(place, rows, places_of(place, len(rows)), wanted)


def _race(folder: Path, wanted: list[str]) -> Table:
    """Return the questions in a folder such as RACE/train: files of a passage, its questions, choices and answers."""
    rows, places = [], []
    for path in race_files(folder):
        try:
            passage = read_object(decode(read_bytes(path, TEXT_BYTES), str(path), ".txt"))
            article, *lists = (passage[field] for field in RACE_FIELDS)
            if not all(isinstance(items, list) for items in lists):
                raise TypeError("questions, options and answers are lists")
            questions = list(zip(*lists, strict=True))
        except (BadInputError, ValueError, KeyError, TypeError) as error:
            said = error.value if isinstance(error, BadInputError) else repr(error)
            raise PretraceError(
                f"{path}: takes a JSON object with {', '.join(RACE_FIELDS)}, lists of one length ({said})"
            ) from None
        for number, (question, options, answer) in enumerate(questions, 1):
            rows.append({"article": article, "question": question, "options": options, "answer": answer})
            places.append(f"{path}: row {number}")
    if not rows:
        raise PretraceError(f"{folder}: has no rows; a folder is read as RACE's: .txt files, each a JSON object")
    return _table(str(folder), rows, places, wanted)


def _table(file: str, rows: list[dict[str, Any]], places: list[str], wanted: Iterable[str]) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows] for name in wanted if name in names}
    table = Table(file, names, columns, places, advice=ADVICE)
    check_texts(table)
    return table
