"""Predictions of every column of the table on a task's test rows, read from the Parquet files of the stages.

    data/tasks/<task>/test.parquet          `parts`, `label` and `origin` (the document) of each test row
    data/predictions/<task>-<variant>.parquet   `row`, `pretrain_seed`, `seed`, `prediction`, `probabilities` of a
                                            fine-tuned variant
    data/baselines/<task>.parquet           a column for each baseline, one line for each test row
    data/frozen/<task>-<system>.parquet     a column for each pre-trained model, one line for each test row
    data/zeroshot/<system>/<task>.parquet   `row`, and a column for each rule without fine-tuning

Shapes: S fine-tunings (1 for a baseline), N rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import check_regular
from pretrace.settings import FROZEN, Settings

START = "pretrain_seed"
"""Column with the seed of the pre-training."""


@dataclass(frozen=True)
class Predictions:
    """Predictions of one column on one task."""

    rows_N: np.ndarray
    """Numbers of the test rows, from 0, in order."""
    predictions_SN: np.ndarray
    """Ids of classes or choices, or the numbers of a regression."""
    seeds: list[int | None]
    """Fine-tuning seed of each of the S, all of the first pre-training before those of the next; None for a baseline.
    """
    probabilities_SN: list[list[Any]] | None = None
    """For each of the S and row the probabilities of the classes or choices; None for a regression or a baseline."""
    pretrain_seeds: list[int] = field(default_factory=list)
    """Seed of the pre-training that each of the S started from; empty where there was none."""


@dataclass(frozen=True)
class TaskPredictions:
    """The test rows of a task, with the predictions of each column."""

    labels_N: np.ndarray
    parts: list[list[str]]
    documents: list[str]
    """For each row the document that it is from; of a task from a file, the row itself."""
    columns: dict[str, Predictions]


def read_predictions(task: str, settings: Settings, data: Path) -> TaskPredictions:
    """Read the test rows of a task, and the predictions of all columns of the table from the stages' files in `data`.

    Raises:
        PretraceError: a file is missing or not readable, or has other rows than the test split.
    """
    test = read_variants(task, list(settings.variants), data)
    labels, columns = test.labels_N, test.columns
    path = data / "baselines" / f"{task}.parquet"
    table = read_parquet(path, f"baselines@{task}")
    for name in table.column_names:
        columns[name] = Predictions(np.arange(len(labels)), np.array(table[name].to_numpy())[None], [None])
        if columns[name].predictions_SN.shape[1] != len(labels):
            raise _other_rows(path, f"baselines@{task}")
    for system in settings.systems:
        read = _frozen(data, task, system, len(labels)) | _zero_shot(data, task, system, len(labels))
        columns |= {settings.column_of(name, system): predictions for name, predictions in read.items()}
    return test


def read_variants(task: str, variants: list[str], data: Path) -> TaskPredictions:
    """Read the test rows of a task, and the predictions of fine-tuned variants.

    Raises:
        PretraceError: as `read_predictions`.
    """
    test = read_parquet(data / "tasks" / task / "test.parquet", f"tasks@{task}")
    labels, columns = np.array(test["label"].to_numpy()), {}
    for variant in variants:
        cell = f"{task}-{variant}"
        columns[variant] = read_finetuned(data / "predictions" / f"{cell}.parquet", f"finetune@{cell}", len(labels))
    return TaskPredictions(labels, test["parts"].to_pylist(), test["origin"].to_pylist(), columns)


def _frozen(data: Path, task: str, system: str, count: int) -> dict[str, Predictions]:
    """Return the predictions from the states of a system's frozen model, by column; none without rows."""
    path, stage = data / "frozen" / f"{task}-{system}.parquet", f"frozen@{task}-{system}"
    table = read_parquet(path, stage)
    kinds = [name for name in table.column_names if name != START]
    if not kinds:
        return {}
    predictions = _of_pretrainings(table, kinds[0], np.arange(len(table)))
    if predictions.predictions_SN.shape[1] != count:
        raise _other_rows(path, stage)
    return {FROZEN: predictions}


def _zero_shot(data: Path, task: str, system: str, count: int) -> dict[str, Predictions]:
    """Return the predictions of a system without fine-tuning, by column; none without a rule for the task."""
    path, stage = data / "zeroshot" / system / f"{task}.parquet", f"zeroshot@{system}"
    if not path.exists():
        return {}
    table = read_parquet(path, stage)
    rows = np.array(table["row"].to_numpy())
    if len(rows) and rows.max() >= count:
        raise _other_rows(path, stage)
    return {name: _of_pretrainings(table, name, rows) for name in table.column_names if name not in ("row", START)}


def _of_pretrainings(table: Any, column: str, rows: np.ndarray) -> Predictions:
    """Return the predictions of a column without fine-tuning: the stage writes one pre-training after another."""
    seeds = list(dict.fromkeys(_starts(table))) or [None]
    count = len(table) // len(seeds)
    predictions = np.array(table[column].to_numpy())[: len(seeds) * count].reshape(len(seeds), count)
    known = [seed for seed in seeds if seed is not None]
    return Predictions(rows[:count], predictions, [None] * len(seeds), pretrain_seeds=known)


def _starts(table: Any) -> list[int | None]:
    """Return the seed of the pre-training behind each line; a file of before there were several lacks the column."""
    return table[START].to_pylist() if START in table.column_names else [None] * len(table)


def read_finetuned(path: Path, stage: str, count: int) -> Predictions:
    """Read the predictions of a variant on all of a task's test rows, of which there are `count`.

    Raises:
        PretraceError: the file is missing or not readable, or has other rows.
    """
    table = read_parquet(path, stage)
    jobs = list(dict.fromkeys(zip(_starts(table), table["seed"].to_pylist(), strict=True)))
    if not jobs or table.num_rows != len(jobs) * count:
        raise _other_rows(path, stage)
    # The stage writes one fine-tuning after another, each with all rows in order.
    if table["row"].to_pylist() != list(range(count)) * len(jobs):
        raise _other_rows(path, stage)
    predictions = np.array(table["prediction"].to_numpy()).reshape(len(jobs), count)
    probabilities = table["probabilities"].to_pylist()
    known = any(value is not None for value in probabilities)
    by_seed = [probabilities[first : first + count] for first in range(0, len(probabilities), count)]
    return Predictions(
        np.arange(count),
        predictions,
        [seed for _, seed in jobs],
        by_seed if known else None,
        [start for start, _ in jobs if start is not None],
    )


def read_parquet(path: Path, stage: str) -> Any:
    """Read a Parquet file that a stage wrote as an Arrow table.

    Raises:
        PretraceError: it is missing or not readable.
    """
    import pyarrow.parquet as parquet

    if not path.exists():
        raise PretraceError(f"{path}: no such file; run `dvc repro {stage}`")
    check_regular(path)
    try:
        return parquet.read_table(path)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise PretraceError(f"{path}: not readable ({reason}); run `dvc repro -f -s {stage}`") from None


def _other_rows(path: Path, stage: str) -> PretraceError:
    return PretraceError(f"{path}: has other rows than the task's test split; run `dvc repro -f -s {stage}`")
