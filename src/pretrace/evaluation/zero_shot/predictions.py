"""Predictions by row, as a Parquet file."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_predictions(path: Path, numbers: np.ndarray, predictions: dict[str, np.ndarray]) -> None:
    """Write for each scored test row its position in the split, `row`, and its class or choice by column."""
    import pyarrow as pa
    import pyarrow.parquet

    columns = {name: pa.array(values.astype(np.int64)) for name, values in {"row": numbers, **predictions}.items()}
    pyarrow.parquet.write_table(pa.table(columns), path, compression="zstd")
