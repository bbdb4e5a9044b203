"""Test rows with wrong predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pretrace.report.errors import ErrorRow, find_errors
from pretrace.report.predictions import read_variants
from tests.helpers import made_up_results as made_up


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in made_up.KINDS:
        made_up.write_task_predictions(tmp_path, name)
    return tmp_path


def test_errors_are_the_most_confident_first(data: Path) -> None:
    errors = find_errors(read_variants("source", ["full"], data), "full", ["no", "yes"])
    assert (errors.wrong, errors.of, len(errors.rows)) == (500, 1000, 10)
    confidence = [row.confidence or 0.0 for row in errors.rows]
    assert confidence == sorted(confidence, reverse=True)
    assert confidence[0] > 0.89
    assert {(row.label, row.prediction) for row in errors.rows} == {("yes", "no")}


def test_errors_of_a_regression_are_the_furthest_off(data: Path) -> None:
    path = data / "tasks" / "source" / "test.parquet"
    pd.read_parquet(path).assign(label=np.linspace(0.0, 5.0, 1000)).to_parquet(path)
    path = data / "predictions" / "source-full.parquet"
    pd.read_parquet(path).assign(prediction=0.25, probabilities=None).to_parquet(path)
    errors = find_errors(read_variants("source", ["full"], data), "full", None)
    assert errors.wrong is None
    assert [row.row for row in errors.rows] == list(range(999, 989, -1))
    assert errors.rows[0] == ErrorRow(999, errors.rows[0].parts, "5", "0.25", None)
