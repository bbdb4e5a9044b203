"""Inputs of a stage as MLflow data sets: the path, with DVC's hash as the digest."""

from __future__ import annotations

import json
from typing import Any

from pretrace.schemas.tracking import RunRecord
from pretrace.tracking.lineage import Pipeline

CONTEXT = "mlflow.data.context"


def log_inputs(tracker: Any, run: str, record: RunRecord, pipeline: Pipeline) -> None:
    """Log the data and models that a stage depends on; `dvc get` and DVC's cache know them by the same hash."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = [
        DatasetInput(
            Dataset(
                name=one.path,
                digest=one.md5,
                source_type="dvc",
                source=json.dumps({"path": one.path, "md5": one.md5, "made by": one.stage}),
            ),
            [InputTag(CONTEXT, f"made by {one.stage}" if one.stage else "made by no stage")],
        )
        for one in pipeline.inputs(record.name)
    ]
    if inputs:
        tracker.client.log_inputs(run, inputs)
