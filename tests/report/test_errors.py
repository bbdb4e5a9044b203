"""Rows that a model is wrong about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pretrace.report.errors import mistakes
from pretrace.report.predictions import read_answers
from tests.helpers import made_up_results as made_up


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in made_up.KINDS:
        made_up.write_answers(tmp_path, name)
    return tmp_path


def test_mistakes_are_those_that_it_was_surest_of(data: Path) -> None:
    found = mistakes(read_answers("source", ["full"], data), "full", ["no", "yes"])
    assert (found["wrong"], found["of"], len(found["rows"])) == (500, 1000, 10)
    sure = [row["sure"] for row in found["rows"]]
    assert sure == sorted(sure, reverse=True)
    assert sure[0] > 0.89
    assert {(row["label"], row["answer"]) for row in found["rows"]} == {("yes", "no")}


def test_mistakes_of_a_regression_are_the_furthest_off(data: Path) -> None:
    path = data / "tasks" / "source" / "test.parquet"
    pd.read_parquet(path).assign(label=np.linspace(0.0, 5.0, 1000)).to_parquet(path)
    path = data / "predictions" / "source-full.parquet"
    pd.read_parquet(path).assign(prediction=0.25, probabilities=None).to_parquet(path)
    found = mistakes(read_answers("source", ["full"], data), "full", None)
    assert found["wrong"] is None
    assert [row["row"] for row in found["rows"]] == list(range(999, 989, -1))
    assert found["rows"][0] == {**found["rows"][0], "label": "5", "answer": "0.25", "sure": None}
