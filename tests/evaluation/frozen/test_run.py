"""The stage on made-up tasks of every kind: what it writes, twice the same."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pretrace.evaluation.frozen import run as frozen
from pretrace.model import Transformer, save_model
from pretrace.settings import ModelSettings, read_yaml
from pretrace.tasks.rows.dataset import Row, TaskData
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tasks.rows.metrics import score
from pretrace.tokens import load_vocabulary
from tests.helpers import REPOSITORY
from tests.helpers.small_vocabulary import write_openai_vocabulary
from tests.helpers.task_folders import write_task

pytestmark = pytest.mark.slow

STAGE = REPOSITORY / "stages" / "frozen.py"
SIZES = ModelSettings(
    layers=1, width=16, heads=2, feed_forward=32, context=24, dropout=0.0, embedding_dropout="sum", initial_std=0.3
)
SENTENCES = ["it was the best of times .", "the times it . was of best", "there were others too .", "others were lazy"]
PARTS = {"classification": 1, "multiple_choice": 3}


def task_of(kind: str, unavailable: str | None = None) -> TaskData:
    def rows(count: int) -> list[Row]:
        parts = PARTS.get(kind, 2)
        return [Row(tuple(SENTENCES[(n + 2 * j) % 4] for j in range(parts)), n % 2, f"d{n}") for n in range(count)]

    named = not KINDS[kind].numeric and not KINDS[kind].chooses
    splits = {} if unavailable else {"train": rows(30), "dev": rows(10), "test": rows(20)}
    return TaskData(kind, KINDS[kind].default_metric, ["no", "yes"] if named else None, splits, unavailable)


@pytest.fixture
def vocabulary_size(project: Path) -> int:
    params = project / "params.yaml"
    tasks = {name: {"kind": "classification", "probe": "source"} for name in (*KINDS, "none")}
    params.write_text(json.dumps({**read_yaml(params), "tasks": tasks}))  # the rows below are made up all the same
    write_openai_vocabulary(project / "models/pretrained/gpt1/transformer/vocabulary")
    vocabulary = load_vocabulary(project / "models/pretrained/gpt1/transformer/vocabulary")
    for kind in KINDS:
        write_task(project / "data/encoded/gpt1" / kind, task_of(kind), vocabulary.encode_array)
    write_task(project / "data/encoded/gpt1/none", task_of("classification", "too small"), vocabulary.encode_array)
    save_model(project / "models/pretrained/gpt1/transformer", Transformer(SIZES, vocabulary.size, 9))
    return vocabulary.size


def run(monkeypatch: pytest.MonkeyPatch, task: str) -> tuple[bytes, bytes]:
    monkeypatch.setattr(sys, "argv", ["frozen.py", task, "gpt1"])
    runpy.run_path(str(STAGE), run_name="__main__")
    return Path(f"reports/frozen/{task}-gpt1.json").read_bytes(), Path(f"data/frozen/{task}-gpt1.parquet").read_bytes()


@pytest.mark.usefixtures("vocabulary_size")
@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_is_scored_twice_the_same(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    one, two = (run(monkeypatch, kind) for _ in range(2))
    assert one == two
    result = json.loads(one[0])["scores"]["transformer"]
    predictions = pd.read_parquet(f"data/frozen/{kind}-gpt1.parquet")["transformer"].to_numpy()
    labels = np.arange(20) % 2
    assert result["score"] == pytest.approx(score(KINDS[kind].default_metric, labels, predictions), abs=1e-6)
    assert len(result["candidates"]) == 2 * 5
    assert result["chosen"] == max(result["candidates"], key=lambda candidate: candidate["dev"])
    assert result["train_rows"] is None
    assert json.loads(Path("reports/cost.json").read_text())[f"frozen@{kind}-gpt1"]["device"] == "cpu"


def test_every_pre_training_is_scored(monkeypatch: pytest.MonkeyPatch, vocabulary_size: int, project: Path) -> None:
    alone, table = run(monkeypatch, "similarity")[0], pd.read_parquet("data/frozen/similarity-gpt1.parquet")
    assert set(table["pretrain_seed"]) == {42}
    shutil.copytree("models/pretrained/gpt1/transformer", "models/pretrained/gpt1/transformer-seed-43")
    save_model(Path("models/pretrained/gpt1/transformer-seed-43"), Transformer(SIZES, vocabulary_size, 4))
    params = project / "params.yaml"
    params.write_text(json.dumps({**read_yaml(params), "pretrain": {"seeds": [42, 43]}}))
    scores = json.loads(run(monkeypatch, "similarity")[0])["scores"]
    assert list(scores) == ["transformer", "transformer-seed-43"]
    assert scores["transformer"] == json.loads(alone)["scores"]["transformer"]
    both = pd.read_parquet("data/frozen/similarity-gpt1.parquet")
    assert both["pretrain_seed"].tolist() == [42] * 20 + [43] * 20
    pd.testing.assert_frame_equal(both[:20], table)
    own = score(KINDS["similarity"].default_metric, np.arange(20) % 2, both["transformer"][20:].to_numpy())
    assert scores["transformer-seed-43"]["score"] == pytest.approx(own, abs=1e-6)


@pytest.mark.usefixtures("vocabulary_size")
def test_task_without_rows_has_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(run(monkeypatch, "none")[0]) == {"unavailable": "too small", "scores": {}}
    assert not len(pd.read_parquet("data/frozen/none-gpt1.parquet").columns)


@pytest.mark.usefixtures("vocabulary_size")
def test_rows_beyond_the_limit_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen, "MOST_TEXTS", 20)
    assert json.loads(run(monkeypatch, "entailment")[0])["scores"]["transformer"]["train_rows"] == 10
