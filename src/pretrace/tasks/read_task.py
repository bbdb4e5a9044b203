"""A task's rows from files or the Hub: read, divided, sampled and checked, before anything is trained.

Every error names the file, and the row (counted from 1) or the column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.corpus.parallel import map_in_order
from pretrace.settings import Task, Workers
from pretrace.tasks.dataset import SPLITS, Row, TaskData
from pretrace.tasks.kinds import KINDS
from pretrace.tasks.labels import is_missing, is_skipped, read_classes
from pretrace.tasks.passages import generator_for
from pretrace.tasks.raw_files import source_of
from pretrace.tasks.read_table import column_of, read_split
from pretrace.tasks.splits.equal_rows import without_overlap
from pretrace.tasks.splits.shared_parts import draw_groups, group_numbers, part_keys, share_warnings, shares_with_train
from pretrace.tasks.text_fields import has_text, parts_of

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
    for split, table in tables.items():
        _check_ids(table, task.columns.id, source_of(task, split))
    data = TaskData(task.kind, task.metric_name, None)
    if KINDS[task.kind].named:
        file = source_of(task, "train")
        data.labels = read_classes(name, task, column_of(tables["train"], task.columns.label, file).items(), file)
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
        rows = _cleaned(_rows(table, source_of(task, split), task, data.labels, left_out), clean, workers)
        if not rows:
            raise PretraceError(f"{source_of(task, split)}: no row is left for {split}; {dict(left_out)} were left out")
        data.splits[split] = rows
        parts = len(data.splits["train"][0].parts)
        if len(rows[0].parts) != parts:
            raise PretraceError(
                f"{source_of(task, split)}: every row needs {parts - 1} choices, as in {source_of(task, 'train')}"
            )
    shares = shares_with_train({split: part_keys(table, task, split) for split, table in tables.items()})
    data.warnings += share_warnings(shares, {split: len(table) for split, table in tables.items()})
    overlap = without_overlap(name, task, data.splits, data.warnings)
    data.details = {"left_out": dict(left_out), "overlap": overlap, "share_text_with_train": shares}
    if task.unlabeled:
        data.unlabeled = _cleaned(_unlabeled(read_split(name, task, "unlabeled"), task), clean, workers)
    return data


def _cut(name: str, task: Task, train: Any, split: str, share: float, warnings: list[str]) -> tuple[Any, Any]:
    """Return train without a share that is drawn for another split, and that share; always the same rows.

    Rows that share a text stay together, unless nearly all do: then `warnings` says so, and rows are drawn one by one.
    """
    file = source_of(task, "train")
    if len(train) < 2:
        raise PretraceError(f"{file}: {len(train)} row is too few for train and the {split} rows that are cut from it")
    count = max(1, int(share * len(train)))
    groups = group_numbers(part_keys(train, task, file))
    drawn = draw_groups(groups, count, generator_for(name, split).permutation(groups.max() + 1))
    if drawn is None:
        warnings.append(
            f"{np.bincount(groups).max():,} of {len(train):,} rows of {file} hang together by texts that they share, "
            f"so {split} rows share texts with training rows, and their scores are too high"
        )
        drawn = np.sort(generator_for(name, split).permutation(len(train))[:count])
    rest = np.ones(len(train), bool)
    rest[drawn] = False
    return train.iloc[rest], train.iloc[drawn]


def _split_as_published(name: str, task: Task, train: Any) -> tuple[Any, Any]:
    from sklearn.model_selection import train_test_split

    assert task.dev_split is not None
    if task.dev_split.rows >= len(train):
        raise PretraceError(
            f"params.yaml: tasks.{name}.dev_split.rows: got {task.dev_split.rows}; {task.train} has {len(train)}"
        )
    return tuple(train_test_split(train, test_size=task.dev_split.rows, random_state=task.dev_split.seed))


def _sample(name: str, split: str, table: Any, limit: int | None) -> Any:
    if not limit or limit >= len(table):
        return table
    sample = generator_for(name, split, "sample").permutation(len(table))[:limit]
    return table.iloc[np.sort(sample)]


def _check_ids(table: Any, column: str | None, file: str) -> None:
    """Raise `PretraceError` if a row has no id, or that of another row."""
    if column is None:
        return
    seen: dict[Any, str] = {}
    for where, value in column_of(table, column, file).items():
        if is_missing(value):
            raise PretraceError(f"{where}: column {column!r} is empty; every row needs its own id")
        if value in seen:
            first = seen[value].rpartition(": ")[2]
            raise PretraceError(
                f"{where}: column {column!r}: id {value!r} is that of {first}, too; ids are for one row"
            )
        seen[value] = where


def _rows(table: Any, file: str, task: Task, labels: list[str] | None, left_out: Counter[str]) -> list[Row]:
    kind, rows = KINDS[task.kind], []
    cells = column_of(table, task.columns.label, file)
    for where, parts, cell in zip(table.index, parts_of(table, file, kind.fields(task.columns)), cells, strict=True):
        if is_skipped(cell, task):
            left_out[f"label {cell}"] += 1
        elif not has_text(parts, task.on_empty, where):
            left_out["empty text"] += 1
        else:
            label = kind.read_label(cell, task, labels, len(parts) - 1, where)
            rows.append(Row(tuple(text for _, text in parts), label, where.replace(": row ", ":")))
    return rows


def _unlabeled(table: Any, task: Task) -> list[Row]:
    """Return the rows to predict; all stay, as each needs a prediction. Their `origin` is their id."""
    file, column = source_of(task, "unlabeled"), task.columns.id
    _check_ids(table, column, file)
    ids = column_of(table, column, file) if column else range(len(table))
    rows, fields = [], KINDS[task.kind].fields(task.columns)
    for where, parts, own in zip(table.index, parts_of(table, file, fields), ids, strict=True):
        has_text(parts, "keep", where)
        rows.append(Row(tuple(text for _, text in parts), 0, str(own)))
    return rows


def _cleaned(rows: list[Row], clean: Callable[[str], str], workers: Workers | None) -> list[Row]:
    """Return the rows with every part cleaned and on one line."""
    batches = [rows[i : i + BATCH] for i in range(0, len(rows), BATCH)]
    several = workers if len(batches) >= BATCHES_FOR_WORKERS else None
    return [row for _, done in map_in_order(partial(_clean_batch, clean), batches, several) for row in done]


def _clean_batch(clean: Callable[[str], str], rows: list[Row]) -> list[Row]:
    return [replace(row, parts=tuple(" ".join(clean(part).split()) for part in row.parts)) for row in rows]
