"""Predictions by row, as a Parquet file."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_predictions(path: Path, numbers: np.ndarray, predictions: np.ndarray) -> None:
    """Write for each scored test row its position in the split, `row`, and its class or choice, `prediction`."""
    import pyarrow as pa
    import pyarrow.parquet

    columns = {"row": pa.array(numbers.astype(np.int64)), "prediction": pa.array(predictions.astype(np.int64))}
    pyarrow.parquet.write_table(pa.table(columns), path, compression="zstd")
