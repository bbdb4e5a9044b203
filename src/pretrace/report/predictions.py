"""What every column of the table answered on a task's test rows, from the Parquet files that the stages keep.

    data/tasks/<task>/test.parquet          `parts` and `label` of each test row
    data/predictions/<task>-<variant>.parquet   `row`, `seed`, `prediction`, `probabilities` of a fine-tuned variant
    data/tasks/<task>/baselines.parquet     a column a baseline, one line a test row
    data/zeroshot/<task>.parquet            `row`, `prediction` of the language model that nothing was tuned on

Shapes: S seeds (1 for a baseline), N rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError

ZERO_SHOT = "lm_zero_shot"


@dataclass(frozen=True)
class Answers:
    """Answers of one column on one task."""

    rows_N: np.ndarray
    """Numbers of the test rows, from 0, in order."""
    predictions_SN: np.ndarray
    """Classes or choices as numbers from 0, or numbers of a regression."""
    seeds: list[int | None]
    probabilities_SN: list[list[Any]] | None = None
    """For each seed and row the probabilities of the classes or choices; null for a regression or a baseline."""


@dataclass(frozen=True)
class TaskAnswers:
    """The test rows of a task and what each column answered."""

    labels_N: np.ndarray
    parts: list[list[str]]
    columns: dict[str, Answers]


def read_answers(task: str, variants: list[str], data: Path) -> TaskAnswers:
    """The answers of these variants, and of the baselines that there are, on one task.

    Raises:
        PretraceError: a file is missing or not readable, or has other rows than the test split.
    """
    test = read_parquet(data / "tasks" / task / "test.parquet", f"tasks@{task}")
    labels = np.array(test["label"].to_numpy())
    columns = {}
    for variant in variants:
        cell = f"{task}-{variant}"
        columns[variant] = _of_seeds(data / "predictions" / f"{cell}.parquet", f"finetune@{cell}", len(labels))
    path = data / "tasks" / task / "baselines.parquet"
    table = read_parquet(path, f"tasks@{task}")
    for name in table.column_names:
        columns[name] = Answers(np.arange(len(labels)), np.array(table[name].to_numpy())[None], [None])
        if columns[name].predictions_SN.shape[1] != len(labels):
            raise _odd(path, f"tasks@{task}")
    path = data / "zeroshot" / f"{task}.parquet"
    if path.exists():
        table = read_parquet(path, "zeroshot")
        rows = np.array(table["row"].to_numpy())
        if len(rows) and rows.max() >= len(labels):
            raise _odd(path, "zeroshot")
        columns[ZERO_SHOT] = Answers(rows, np.array(table["prediction"].to_numpy())[None], [None])
    return TaskAnswers(labels, test["parts"].to_pylist(), columns)


def _of_seeds(path: Path, stage: str, count: int) -> Answers:
    table = read_parquet(path, stage)
    seeds = list(dict.fromkeys(table["seed"].to_pylist()))
    if not seeds or table.num_rows != len(seeds) * count:
        raise _odd(path, stage)
    # Seeds one after the other, each with every row in order: that is how the stage writes them.
    if table["row"].to_pylist() != list(range(count)) * len(seeds):
        raise _odd(path, stage)
    predictions = np.array(table["prediction"].to_numpy()).reshape(len(seeds), count)
    probabilities = table["probabilities"].to_pylist()
    known = any(value is not None for value in probabilities)
    by_seed = [probabilities[first : first + count] for first in range(0, len(probabilities), count)]
    return Answers(np.arange(count), predictions, seeds, by_seed if known else None)


def read_parquet(path: Path, stage: str) -> Any:
    """A Parquet file that a stage wrote, as an Arrow table.

    Raises:
        PretraceError: it is missing or not readable.
    """
    import pyarrow.parquet as parquet

    if not path.exists():
        raise PretraceError(f"{path}: no such file; run `dvc repro {stage}`")
    try:
        return parquet.read_table(path)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise PretraceError(f"{path}: not readable ({reason}); run `dvc repro -f -s {stage}`") from None


def _odd(path: Path, stage: str) -> PretraceError:
    return PretraceError(f"{path}: has other rows than the task's test split; run `dvc repro -f -s {stage}`")
