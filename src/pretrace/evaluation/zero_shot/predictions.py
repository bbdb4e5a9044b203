"""Predictions by row, as a Parquet file."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_predictions(path: Path, numbers: np.ndarray, predictions: dict[int | None, dict[str, np.ndarray]]) -> None:
    """Write for each pre-training and scored test row its position in the split, and its class or choice by column.

    The columns are `row`, `pretrain_seed` (null without one), and those of the table.

    Args:
        predictions: by seed of the pre-training.
    """
    import pyarrow as pa
    import pyarrow.parquet

    rows, seeds = list(predictions.values()), list(predictions)
    columns = {
        "row": pa.array(np.tile(numbers.astype(np.int64), len(rows))),
        "pretrain_seed": pa.array([seed for seed in seeds for _ in numbers], pa.int64()),
    }
    for name in rows[0]:
        columns[name] = pa.array(np.concatenate([own[name] for own in rows]).astype(np.int64))
    pyarrow.parquet.write_table(pa.table(columns), path, compression="zstd")
