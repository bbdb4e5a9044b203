"""Predictions of every column, read from their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pretrace.common.errors import PretraceError
from pretrace.report.predictions import read_predictions, read_variants
from pretrace.settings import load_settings
from tests.helpers import made_up_results as made_up


@pytest.fixture
def data(project: Path) -> Path:
    for name in made_up.KINDS:
        made_up.write_task_predictions(project / "data", name)
    return project / "data"


def test_every_column_has_its_predictions(data: Path) -> None:
    answers = pd.DataFrame({"row": [3, 10], "lm_zero_shot": [1, 0]})
    made_up.write_table(data / "zeroshot" / "gpt1" / "source.parquet", answers)
    task = read_predictions("source", load_settings(), data)
    assert {name: c.predictions_SN.shape for name, c in task.columns.items()} == {
        "full": (3, 1000),
        "scratch": (3, 1000),
        "majority": (1, 1000),
        "tfidf": (1, 1000),
        "lm_zero_shot": (1, 2),
    }
    assert [float(np.mean(s == task.labels_N)) for s in task.columns["full"].predictions_SN] == [0.5, 0.51, 0.49]


def test_fine_tunings_are_told_apart_by_both_seeds(data: Path) -> None:
    path = data / "predictions" / "source-full.parquet"
    one = pd.read_parquet(path)
    assert read_variants("source", ["full"], data).columns["full"].pretrain_seeds == []
    two = one.assign(prediction=1 - one["prediction"])
    pd.concat([one.assign(pretrain_seed=42), two.assign(pretrain_seed=43)]).to_parquet(path)
    column = read_variants("source", ["full"], data).columns["full"]
    assert (column.pretrain_seeds, column.seeds) == ([42] * 3 + [43] * 3, [0, 1, 2] * 2)
    np.testing.assert_array_equal(column.predictions_SN[3:], 1 - column.predictions_SN[:3])
    assert column.probabilities_SN is not None
    assert len(column.probabilities_SN) == 6


def test_columns_without_fine_tuning_have_every_pre_training(data: Path) -> None:
    answers = {"row": [3, 10] * 2, "pretrain_seed": [42, 42, 43, 43], "lm_zero_shot": [1, 0, 0, 0]}
    made_up.write_table(data / "zeroshot" / "gpt1" / "source.parquet", pd.DataFrame(answers))
    frozen = {"pretrain_seed": [42] * 1000 + [43] * 1000, "transformer": [1] * 1000 + [0] * 1000}
    pd.DataFrame(frozen).to_parquet(data / "frozen" / "source-gpt1.parquet")
    columns = read_predictions("source", load_settings(), data).columns
    for name in ("lm_zero_shot", "frozen"):
        assert (columns[name].pretrain_seeds, columns[name].seeds) == ([42, 43], [None, None])
    assert columns["lm_zero_shot"].rows_N.tolist() == [3, 10]
    assert columns["lm_zero_shot"].predictions_SN.tolist() == [[1, 0], [0, 0]]
    assert columns["frozen"].predictions_SN.tolist() == [[1] * 1000, [0] * 1000]
    pd.DataFrame({**frozen, "pretrain_seed": [42] * 2000}).to_parquet(data / "frozen" / "source-gpt1.parquet")
    with pytest.raises(PretraceError, match=r"frozen/source-gpt1\.parquet: has other rows than the task's test split"):
        read_predictions("source", load_settings(), data)


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("predictions/source-full.parquet", "finetune@source-full"),
        ("baselines/source.parquet", "baselines@source"),
        ("frozen/source-gpt1.parquet", "frozen@source-gpt1"),
        ("tasks/source/test.parquet", "tasks@source"),
    ],
)
def test_bad_file_names_its_stage(data: Path, path: str, stage: str) -> None:
    if path.startswith("frozen"):
        made_up.write_table(data / path, pd.DataFrame({"transformer": made_up.right_on(0.6, 1)}))
    table = pd.read_parquet(data / path)
    (data / path).write_bytes((data / path).read_bytes()[:100])
    with pytest.raises(PretraceError, match=rf"{path}: not readable .*dvc repro -f -s {stage}"):
        read_predictions("source", load_settings(), data)
    (data / path).unlink()
    with pytest.raises(PretraceError, match=rf"{path}: no such file; run `dvc repro {stage}`"):
        read_predictions("source", load_settings(), data)
    table.iloc[:-1].to_parquet(data / path)
    with pytest.raises(PretraceError, match="has other rows than the task's test split"):
        read_predictions("source", load_settings(), data)
