"""Labeled rows of any format, as a data frame whose index says where each row is.

A split is read from a file, from a folder of RACE's (a row a question), or from a data set on the Hub:

    .parquet, .csv, .tsv (also as .txt), .jsonl      "train.tsv: row 7"
    RACE/train                                       "RACE/train/high/12.txt: row 3"
    nyu-mll/glue                                     "nyu-mll/glue/cola/train: row 7"

Rows are counted from 1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.corpus.readers.decompress import GROWTH_FREE_BYTES, MAX_GROWTH
from pretrace.corpus.readers.parquet import rows_per_batch
from pretrace.settings import Task
from pretrace.tasks.raw_files import FORMATS, is_folder, source_of

RACE_FIELDS = ("article", "questions", "options", "answers")


def read_split(name: str, task: Task, split: str) -> Any:
    """Return the rows of one split of a task: "train", "dev", "test" or "unlabeled".

    Raises:
        PretraceError: there is no such file, folder or data set, it is of another form, not readable, or has no rows.
    """
    place = str(getattr(task, split))
    if task.dataset:
        return _located(_from_hub(name, task, place), source_of(task, split))
    path = Path(place)
    if is_folder(path):
        return _race(path)
    return read_table(name, split, place, None if split == "unlabeled" else task.column_names)


def read_table(name: str, split: str, file: str, column_names: list[str] | None = None) -> Any:
    """Return the rows of a file; text from .csv and .tsv is not turned into numbers. Raises as `read_split`."""
    import pandas as pd

    path = Path(file)
    if not path.is_file():
        raise PretraceError(f"params.yaml: tasks.{name}.{split}: no file {file}; paths are from the repository's root")
    if path.suffix not in FORMATS:
        raise PretraceError(
            f"{file}: a task's rows are read from {', '.join(FORMATS)}; this is {path.suffix or 'none'}"
        )
    # A byte order mark, which Windows programs and MRPC's publisher write, is no part of the first name.
    plain = {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig"}
    if column_names:
        plain |= {"names": column_names, "header": None}
    try:
        if path.suffix == ".parquet":
            _check_growth(path)
            table = pd.read_parquet(path)
        elif path.suffix == ".jsonl":
            table = pd.read_json(path, lines=True, dtype=False)
        elif path.suffix == ".csv":
            table = pd.read_csv(path, **plain)
        else:
            table = pd.read_csv(path, sep="\t", quoting=3, **plain)
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise PretraceError(f"{file}: not readable as {path.suffix}: {said}") from None
    if path.suffix != ".parquet" and not isinstance(table.index, pd.RangeIndex):
        raise PretraceError(f"{file}: rows have more fields than the first line has names; quote text with commas")
    return _located(table, file)


def column_of(table: Any, column: str, file: str | None) -> Any:
    """Return one column. Raises `PretraceError` if there is none of that name."""
    if column not in table.columns:
        has = ", ".join(map(str, table.columns))
        raise PretraceError(f"{file}: no column {column!r}; it has {has}; set the task's `columns` in params.yaml")
    return table[column]


def _located(table: Any, place: str) -> Any:
    """Return the table with an index of places. Raises `PretraceError` if it has no rows."""
    if not len(table):
        raise PretraceError(f"{place}: has no rows")
    table.index = [f"{place}: row {number}" for number in range(1, len(table) + 1)]
    return table


def _from_hub(name: str, task: Task, split: str) -> Any:
    """Return a split of a data set; labels that are classes are numbers, as on the Hub."""
    import pandas as pd

    from pretrace.corpus.readers.huggingface import dataset_rows
    from pretrace.settings import Dataset

    assert task.dataset is not None
    dataset = Dataset(**task.dataset.model_dump(), split=split)
    return pd.DataFrame([row for _, row in dataset_rows(dataset, [], f"tasks.{name}.dataset")])


def _check_growth(path: Path) -> None:
    """Raise `ValueError` if a Parquet file grows like a bomb: a value that is stored once may be in every row."""
    import pyarrow.parquet as pq

    size, grown = path.stat().st_size, 0
    with path.open("rb") as stream, pq.ParquetFile(path, pre_buffer=False) as table:
        for number in range(table.metadata.num_row_groups):
            group = table.metadata.row_group(number)
            at_once = rows_per_batch(stream, group, table.schema_arrow.names)
            for batch in table.iter_batches(at_once, row_groups=[number]):
                grown += batch.nbytes
                if grown > max(GROWTH_FREE_BYTES, MAX_GROWTH * size):
                    raise ValueError(f"grows to more than {MAX_GROWTH} times its size, or is a bomb")


def _race(folder: Path) -> Any:
    """Return the questions in a folder such as RACE/train: files of a passage, its questions, choices and answers."""
    import pandas as pd

    rows, places = [], []
    for path in sorted(folder.glob("**/*.txt")):
        try:
            passage = json.loads(path.read_text(encoding="utf-8"))
            article, *lists = (passage[field] for field in RACE_FIELDS)
            questions = list(zip(*lists, strict=True))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise PretraceError(
                f"{path}: takes a JSON object with {', '.join(RACE_FIELDS)}, lists of one length ({error!r})"
            ) from None
        for number, (question, options, answer) in enumerate(questions, 1):
            rows.append({"article": article, "question": question, "options": options, "answer": answer})
            places.append(f"{path}: row {number}")
    if not rows:
        raise PretraceError(f"{folder}: has no rows; a folder is read as RACE's: .txt files, each a JSON object")
    return pd.DataFrame(rows, index=places)
