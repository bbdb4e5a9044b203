"""A task's rows from files or the Hub: read, divided, sampled and checked, before anything is trained.

Every error names the file, and the row (counted from 1) or the column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.missing import is_missing
from pretrace.corpus.parallel import map_in_order
from pretrace.corpus.readers.tables.table import Table
from pretrace.settings import Task, Workers
from pretrace.tasks.odd_rows.find import odd_rows, sizes, stop_on_warning
from pretrace.tasks.raw_files import source_of
from pretrace.tasks.read_split import read_split
from pretrace.tasks.rows.dataset import SPLITS, Row, TaskData, one_line, with_empty_choices
from pretrace.tasks.rows.draws import generator_for
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tasks.rows.labels import check_label, is_skipped, read_classes
from pretrace.tasks.splits.equal_rows import without_overlap
from pretrace.tasks.splits.shared_parts import draw_groups, group_numbers, part_keys, share_warnings, shares_with_train
from pretrace.tasks.text_fields import parts_of, stays, texts_of

DEV_SHARE = 0.1
"""Of the training rows, where a task has no dev file. Rows that share a text stay together."""
BATCH, BATCHES_FOR_WORKERS = 500, 16
"""Rows that are cleaned at once; below so many batches, starting workers takes longer than they save."""
TEST_SHARE = 0.2
"""Of the training rows, where a task has no test file; dev rows are cut from what is left."""


def read_task_files(name: str, task: Task, clean: Callable[[str], str], workers: Workers | None = None) -> TaskData:
    """Read a task's rows, clean their text, and turn labels into numbers.

    `workers` clean if there is much to clean; else this process does. `details` counts what was left out
    (`left_out`) and rows that two splits have (`overlap`), and has the shares of dev and test rows with a text of train
    (`share_text_with_train`); `warnings` says what a reader of the scores has to know.

    Raises:
        PretraceError: a file, column or value is missing or unusable, or a label occurs that train does not have.
    """
    tables = {split: read_split(name, task, split) for split in SPLITS if getattr(task, split)}
    for table in tables.values():
        _check_ids(table, task.columns.id)
        _check_labels(table, task)
    data = TaskData(task.kind, task.metric_name, None, sizes=sizes(tables))
    data.warnings += odd_rows(name, task, tables)
    if KINDS[task.kind].named:
        data.labels = read_classes(name, task, tables["train"].cells(task.columns.label), source_of(task, "train"))
    if "test" not in tables:
        tables["train"], tables["test"] = _cut(name, task, tables["train"], "test", TEST_SHARE, data.warnings)
    if "dev" not in tables and task.dev_split:
        tables["train"], tables["dev"] = _split_as_published(name, task, tables["train"])
    elif "dev" not in tables:
        tables["train"], tables["dev"] = _cut(name, task, tables["train"], "dev", DEV_SHARE, data.warnings)
    limits = {"train": task.train_rows, "dev": task.test_rows, "test": task.test_rows}
    left_out: Counter[str] = Counter()
    tables = {split: _sample(name, split, tables[split], limits[split]) for split in SPLITS}
    for split, table in tables.items():
        rows = _with_text(_cleaned(_rows(table, task, data.labels, left_out), clean, workers), task, left_out)
        rows = [with_empty_choices(row, task.most_choices) for row in rows]
        if not rows:
            raise PretraceError(f"{source_of(task, split)}: no row is left for {split}; {dict(left_out)} were left out")
        data.splits[split] = rows
        parts = len(data.splits["train"][0].parts)
        if len(rows[0].parts) != parts:
            raise PretraceError(
                f"{source_of(task, split)}: every row needs {parts - 1} choices, as in {source_of(task, 'train')}"
            )
    shares = shares_with_train({split: part_keys(table, task) for split, table in tables.items()})
    data.warnings += share_warnings(shares, {split: len(table) for split, table in tables.items()})
    overlap = without_overlap(name, task, data.splits, data.warnings)
    data.details = {"left_out": dict(left_out), "overlap": overlap, "share_text_with_train": shares}
    stop_on_warning(name, task, data.warnings)
    if task.unlabeled:
        unlabeled = _cleaned(_unlabeled(read_split(name, task, "unlabeled"), task), clean, workers)
        data.unlabeled = [with_empty_choices(row, task.most_choices) for row in unlabeled]
    return data


def _cut(name: str, task: Task, train: Table, split: str, share: float, warnings: list[str]) -> tuple[Table, Table]:
    """Return train without a share that is drawn for another split, and that share; always the same rows.

    Rows that share a text stay together, unless nearly all do: then `warnings` says so, and rows are drawn one by one.
    """
    file = source_of(task, "train")
    if len(train) < 2:
        raise PretraceError(f"{file}: {len(train)} row is too few for train and the {split} rows that are cut from it")
    count = max(1, int(share * len(train)))
    groups = group_numbers(part_keys(train, task))
    drawn = draw_groups(groups, count, generator_for(name, split).permutation(groups.max() + 1))
    if drawn is None:
        warnings.append(
            f"{np.bincount(groups).max():,} of {len(train):,} rows of {file} hang together by texts that they share, "
            f"so {split} rows share texts with training rows, and their scores are too high"
        )
        drawn = np.sort(generator_for(name, split).permutation(len(train))[:count])
    rest = np.ones(len(train), bool)
    rest[drawn] = False
    return train.take(np.flatnonzero(rest)), train.take(drawn)


def _split_as_published(name: str, task: Task, train: Table) -> tuple[Table, Table]:
    from sklearn.model_selection import train_test_split

    assert task.dev_split is not None
    if task.dev_split.rows >= len(train):
        raise PretraceError(
            f"params.yaml: tasks.{name}.dev_split.rows: got {task.dev_split.rows}; {task.train} has {len(train)}"
        )
    rest, dev = train_test_split(np.arange(len(train)), test_size=task.dev_split.rows, random_state=task.dev_split.seed)
    return train.take(rest), train.take(dev)


def _sample(name: str, split: str, table: Table, limit: int | None) -> Table:
    if not limit or limit >= len(table):
        return table
    sample = generator_for(name, split, "sample").permutation(len(table))[:limit]
    return table.take(np.sort(sample))


def _check_ids(table: Table, column: str | None) -> None:
    """Raise `PretraceError` if a row has no id, that of another row, or a list or the like."""
    if column is None:
        return
    seen: dict[str, str] = {}
    for where, value in table.cells(column):
        if is_missing(value):
            raise PretraceError(f"{where}: column {column!r} is empty; every row needs its own id")
        if isinstance(value, bytes | list | dict):
            raise PretraceError(f"{where}: column {column!r}: a text or a number expected, got {type(value).__name__}")
        if (first := seen.setdefault(str(value), where)) != where:
            raise PretraceError(
                f"{where}: column {column!r}: id {value!r} is that of {first.rpartition(': ')[2]}, too; "
                "ids are for one row"
            )


def _check_labels(table: Table, task: Task) -> None:
    """Raise `PretraceError` for the first row without a label, before another one is blamed for what it changes."""
    for where, value in table.cells(task.columns.label):
        if not is_skipped(value, task):
            check_label(value, task.columns.label, where)


def _rows(table: Table, task: Task, labels: list[str] | None, left_out: Counter[str]) -> list[Row]:
    kind, rows = KINDS[task.kind], []
    cells = table.column(task.columns.label)
    own = parts_of(table, kind.fields(task.columns), task.most_choices is not None)
    for where, parts, cell in zip(table.places, own, cells, strict=True):
        if is_skipped(cell, task):
            left_out[f"label {'' if is_missing(cell) else cell}"] += 1
        elif task.most_choices and len(parts) > 1 + task.most_choices:
            left_out[f"more than {task.most_choices} choices"] += 1
        elif (texts := texts_of(parts, task.on_empty, where)) is None:
            left_out["empty text"] += 1
        else:
            label = kind.read_label(cell, task, labels, len(parts) - 1, where)
            rows.append(Row(texts, label, where.replace(": row ", ":")))
    return rows


def _with_text(rows: list[Row], task: Task, left_out: Counter[str]) -> list[Row]:
    """Return the cleaned rows without those that `on_empty` leaves out as cleaning has left nothing of a part."""
    kept, fields = [], KINDS[task.kind].fields(task.columns)
    for row in rows:
        empty = [fields.column_of_part(number) for number, part in enumerate(row.parts) if is_missing(part)]
        if not empty or stays(empty[0], task.on_empty, ": row ".join(row.origin.rsplit(":", 1))):
            kept.append(row)
        else:
            left_out["empty text"] += 1
    return kept


def _unlabeled(table: Table, task: Task) -> list[Row]:
    """Return the rows to predict; all stay, as each needs a prediction. Their `origin` is their id."""
    column = task.columns.id
    _check_ids(table, column)
    ids = table.column(column) if column else range(len(table))
    rows = []
    found = parts_of(table, KINDS[task.kind].fields(task.columns), task.most_choices is not None)
    for where, parts, own in zip(table.places, found, ids, strict=True):
        if task.most_choices and len(parts) > 1 + task.most_choices:
            raise PretraceError(f"{where}: has {len(parts) - 1} choices; `most_choices` has {task.most_choices}")
        rows.append(Row(texts_of(parts, "keep", where) or (), 0, str(own)))
    return rows


def _cleaned(rows: list[Row], clean: Callable[[str], str], workers: Workers | None) -> list[Row]:
    """Return the rows with every part cleaned and on one line."""
    batches = [rows[i : i + BATCH] for i in range(0, len(rows), BATCH)]
    several = workers if len(batches) >= BATCHES_FOR_WORKERS else None
    return [row for _, done in map_in_order(partial(_clean_batch, clean), batches, several) for row in done]


def _clean_batch(clean: Callable[[str], str], rows: list[Row]) -> list[Row]:
    return [replace(row, parts=tuple(one_line(clean(part)) for part in row.parts), raw=row.parts) for row in rows]
