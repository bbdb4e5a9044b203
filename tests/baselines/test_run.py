"""The baselines of a task as the stage leaves them: predictions for the test rows, and what the report says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pretrace.baselines.lsa import fit_lsa, write_lsa
from pretrace.baselines.ngrams import count_ngrams, write_ngrams
from pretrace.baselines.run import score_baselines
from pretrace.common.errors import PretraceError
from pretrace.tasks.rows.dataset import Row, TaskData
from pretrace.tasks.rows.metrics import score
from tests.helpers.task_folders import write_task


def encode(text: str) -> np.ndarray:
    return np.array([ord(letter) for letter in text], np.uint16)


@pytest.fixture
def text_models(tmp_path: Path) -> Path:
    text = "red blue green black white " * 40
    (tmp_path / "models").mkdir()
    write_ngrams(tmp_path / "models", count_ngrams(encode(text), 128))
    write_lsa(tmp_path / "models", fit_lsa(["red blue", "red blue white", "green black", "green black white", "white"]))
    (tmp_path / "models" / "seen_ngrams.uint32").write_bytes(b"")
    return tmp_path / "models"


def pairs(kind: str, metric: str) -> TaskData:
    random = np.random.default_rng(0)
    words = np.array(["red", "blue", "green", "black", "white"])

    def row(number: int) -> Row:
        label = int(random.random() < 0.6)
        numeric = label + 0.5 if kind == "regression" else label
        return Row((" ".join(random.choice(words, 4)), f"{words[label]} {random.choice(words)}"), numeric, str(number))

    return TaskData(
        kind, metric, None, {s: [row(i) for i in range(n)] for s, n in (("train", 60), ("dev", 20), ("test", 30))}
    )


@pytest.mark.parametrize(("kind", "metric"), [("entailment", "accuracy"), ("regression", "pearson")])
def test_report_has_the_scores_of_the_predictions(tmp_path: Path, text_models: Path, kind: str, metric: str) -> None:
    task = pairs(kind, metric)
    write_task(tmp_path / "task", task, encode)
    report = score_baselines(tmp_path / "task", tmp_path / "task", text_models, tmp_path / "out" / "task.parquet")
    table = pd.read_parquet(tmp_path / "out" / "task.parquet")
    assert list(table.columns) == list(report.baselines) == ["majority", "tfidf", "ngram", "lsa"]
    assert (report.seen.rows, report.seen.of, report.seen.too_short) == (0, 0, 30)
    labels = np.array([row.label for row in task.splits["test"]])
    for name, found in report.baselines.items():
        assert found.score == pytest.approx(score(metric, labels, table[name].to_numpy()), abs=1e-6)
    for tried in (report.baselines[name] for name in ("tfidf", "ngram", "lsa")):
        assert tried.chosen in tried.candidates
        assert tried.chosen.dev == max(one.dev for one in tried.candidates)
    if kind == "regression":
        assert report.best_constant is None
    else:
        shares = np.bincount(labels) / len(labels)
        assert report.best_constant.answer == shares.argmax()
        assert report.best_constant.score == pytest.approx(shares.max(), abs=1e-6)


def test_same_rows_give_the_same_bytes(tmp_path: Path, text_models: Path) -> None:
    write_task(tmp_path / "task", pairs("entailment", "accuracy"), encode)
    reports = [
        score_baselines(tmp_path / "task", tmp_path / "task", text_models, tmp_path / f"{name}.parquet")
        for name in "ab"
    ]
    assert reports[0] == reports[1]
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_task_without_rows_has_an_empty_result(tmp_path: Path) -> None:
    write_task(tmp_path / "task", TaskData("classification", "accuracy", None, unavailable="too small"), encode)
    report = score_baselines(tmp_path / "task", tmp_path / "task", tmp_path / "models", tmp_path / "none.parquet")
    assert (report.unavailable, report.baselines) == ("too small", {})
    assert pd.read_parquet(tmp_path / "none.parquet").empty


def test_damaged_rows_are_one_line(tmp_path: Path) -> None:
    write_task(tmp_path / "task", pairs("entailment", "accuracy"), encode)
    (tmp_path / "task" / "dev.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(PretraceError, match=r"dev\.parquet: not readable .*; run `dvc repro -f tasks`"):
        score_baselines(tmp_path / "task", tmp_path / "task", tmp_path / "models", tmp_path / "none.parquet")
