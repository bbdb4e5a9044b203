"""Heads of a variant on a task: features are read once, whatever the seeds; reports have the form of fine-tuning's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pretrace.common.errors import PretraceError
from pretrace.model import build_model, save_model
from pretrace.schemas.finetuning import HeadConfig
from pretrace.schemas.record import read_record
from pretrace.settings import Settings
from pretrace.tasks.rows.dataset import SPLITS, Row, TaskData
from pretrace.training.features import kept
from pretrace.training.features import run as running
from pretrace.training.features.run import train_heads
from pretrace.training.finetuning.load import open_cell
from tests.helpers.small_training import settings_with
from tests.helpers.task_folders import write_task

VOCABULARY = 80
HEAD = {"epochs": 6, "lr": 0.02}


def settings_of(head: dict[str, Any] | None = None, model: str = "transformer", **variant: Any) -> Settings:
    variants = {"frozen_head": {"transfer": "features", "head": head or HEAD, **variant}}
    return settings_with({"kind": model}, variants=variants)


@pytest.fixture
def task(tmp_path: Path) -> Path:
    return make_task(tmp_path / "task")


def make_task(folder: Path, unavailable: str | None = None) -> Path:
    """Texts in which the letter `z` decides."""
    random = np.random.default_rng(0)
    task = TaskData("classification", "accuracy", ["no", "yes"], unavailable=unavailable)
    for split, count in zip(SPLITS, (96, 24, 40), strict=True):
        labels = random.integers(0, 2, count).tolist()
        texts = ["".join(random.choice(list("abcde"), 5)) + "z" * label for label in labels]
        task.splits[split] = [] if unavailable else [Row((t,), label) for t, label in zip(texts, labels, strict=True)]
    write_task(folder, task, lambda text: np.array([ord(letter) % VOCABULARY for letter in text], np.uint16))
    return folder


@pytest.fixture
def pretrained(tmp_path: Path) -> Path:
    for kind, name in (("transformer", "transformer"), ("transformer", "transformer-seed-4"), ("lstm", "lstm")):
        folder = tmp_path / "pretrained" / name
        folder.mkdir(parents=True)
        save_model(folder, build_model(settings_with({"kind": kind}).scale, VOCABULARY, seed=len(name)))
    return tmp_path / "pretrained"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path | None]:
    """The folders of models that were opened."""
    folders: list[Path | None] = []
    real = running.open_reader

    def counted(settings: Any, variant: Any, size: Any, folder: Path | None, *more: Any) -> Any:
        folders.append(folder)
        return real(settings, variant, size, folder, *more)

    monkeypatch.setattr(running, "open_reader", counted)
    return folders


def run(task: Path, pretrained: Path, settings: Settings, out: str = "out") -> dict[str, Any]:
    files = Path(out), Path(f"{out}.parquet")
    return train_heads(settings, "mine", "frozen_head", task, pretrained, VOCABULARY, *files)[0].as_json()


def content(folder: str) -> dict[str, bytes]:
    files = [*Path(folder).iterdir(), Path(f"{folder}.parquet")]
    return {path.name.removeprefix(folder): path.read_bytes() for path in files}


def test_features_are_read_once_for_all_seeds(task: Path, pretrained: Path, opened: list[Path | None]) -> None:
    settings = settings_of().model_copy(update={"pretrain": settings_with(pretrain={"seeds": [3, 4]}).pretrain})
    report = run(task, pretrained, settings)
    assert opened == [pretrained / "transformer", pretrained / "transformer-seed-4"]
    assert report["seeds"] == [1, 2, 1, 2]
    assert report["pretrain_seeds"] == [3, 3, 4, 4]
    assert min(report["scores"]) > 0.8
    assert (report["lr"], report["lm_weight"]) == (0.02, 0.0)
    assert report["flops"] > 0
    again = run(task, pretrained, settings, "again")
    assert len(opened) == 2
    assert again == report
    assert content("again") == content("out")
    assert sorted(path.name for path in Path("out").iterdir()) == ["curve.jsonl", "head.json", "head.safetensors"]
    config = read_record(Path("out/head.json"), HeadConfig)
    assert (config.layers, config.width, config.labels) == (3, 16, ["no", "yes"])
    table = pd.read_parquet("out.parquet")
    assert table.groupby(["pretrain_seed", "seed"]).size().tolist() == [40] * 4


def test_another_head_reads_the_same_features(task: Path, pretrained: Path, opened: list[Path | None]) -> None:
    run(task, pretrained, settings_of())
    run(task, pretrained, settings_of({**HEAD, "hidden": 8}))
    assert len(opened) == 1
    run(task, pretrained, settings_of({**HEAD, "reads": "bilstm", "units": 8, "epochs": 2}))
    assert len(opened) == 2


def test_features_that_are_damaged_are_read_again(task: Path, pretrained: Path, opened: list[Path | None]) -> None:
    report = run(task, pretrained, settings_of())
    [file] = (kept.scratch_folder() / "features").glob("*/train.safetensors")
    file.write_bytes(file.read_bytes()[:-1])
    assert run(task, pretrained, settings_of()) == report
    assert len(opened) == 2


def test_random_weights_have_features_of_their_own_for_each_seed(
    task: Path, pretrained: Path, opened: list[Path | None]
) -> None:
    report = run(task, pretrained, settings_of(pretrained=False))
    assert opened == [None, None]
    assert report["pretrain_seeds"] == []


def test_lstm_has_features_too(task: Path, pretrained: Path) -> None:
    assert run(task, pretrained, settings_of(model="lstm"))["score"] > 0.7


def test_task_without_rows_has_no_head(tmp_path: Path, pretrained: Path) -> None:
    report = run(make_task(tmp_path / "none", "too few documents"), pretrained, settings_of())
    assert report["score"] is None
    assert sorted(path.name for path in Path("out").iterdir()) == ["curve.jsonl", "unavailable.json"]


def test_head_is_no_model_to_predict_with(task: Path, pretrained: Path) -> None:
    run(task, pretrained, settings_of(), "models/finetuned/mine-frozen_head")
    with pytest.raises(PretraceError, match="is a head on features"):
        open_cell("mine-frozen_head")


def test_features_that_no_memory_has_are_refused(task: Path, pretrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_BYTES", 1000)
    with pytest.raises(PretraceError, match=r"features of train: .* GB are kept; take fewer rows"):
        run(task, pretrained, settings_of())
