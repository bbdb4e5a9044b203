"""All seeds of a variant: each is run once, in a process of its own or again after a crash, and said together."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from pretrace.common.errors import PretraceError
from pretrace.model import build_model, save_model
from pretrace.settings import Settings
from pretrace.tasks.rows.dataset import SPLITS, Row, TaskData
from pretrace.tasks.rows.encoded import read_encoded
from pretrace.tasks.rows.metrics import standard_error
from pretrace.training.finetuning import seed_jobs
from pretrace.training.finetuning.artifacts import load_finetuned, predict_rows
from pretrace.training.finetuning.job import Job
from pretrace.training.finetuning.run import finetune_all_seeds
from tests.helpers import REPOSITORY
from tests.helpers.small_training import settings_with
from tests.helpers.task_folders import write_task

VOCABULARY = 80


class Here:
    """An executor that does the work at once, in this process."""

    jobs: list[int]
    """Seeds of the fine-tunings that were run."""
    starts: list[int | None]
    """Seeds of the pre-trainings that they started from."""

    def __init__(self, workers: int, mp_context: Any = None, initializer: Any = None) -> None:
        Here.jobs, Here.starts = [], []

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[[Job], None], job: Job) -> Future:
        Here.jobs.append(job.seed)
        Here.starts.append(job.pretrain_seed)
        future: Future = Future()
        try:
            future.set_result(work(job))
        except Exception as error:
            future.set_exception(error)
        return future


class Never:
    """An executor that nothing may ask for."""

    def __init__(self, *_: object, **__: object) -> None:
        raise AssertionError("a finished seed was run again")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed_jobs, "ProcessPoolExecutor", Here)


def encode(text: str) -> np.ndarray:
    return np.array([ord(character) % VOCABULARY for character in text], np.uint16)


def make_task(folder: Path, seed: int = 0, unavailable: str | None = None) -> Path:
    """Texts in which the letter `z` decides."""
    random = np.random.default_rng(seed)
    task = TaskData("classification", "accuracy", ["no", "yes"], unavailable=unavailable)
    for split, count in zip(SPLITS, (48, 24, 30), strict=True):
        labels = random.integers(0, 2, count).tolist()
        texts = ["".join(random.choice(list("abcde"), 5)) + "z" * label for label in labels]
        rows = [Row((text,), label) for text, label in zip(texts, labels, strict=True)]
        task.splits[split] = [] if unavailable else rows
    write_task(folder, task, encode)
    return folder


@pytest.fixture
def task(tmp_path: Path) -> Path:
    return make_task(tmp_path / "task")


@pytest.fixture
def pretrained(tmp_path: Path) -> Path:
    for kind in ("transformer", "lstm"):
        (tmp_path / "pretrained" / kind).mkdir(parents=True)
        save_model(tmp_path / "pretrained" / kind, build_model(settings_with({"kind": kind}).scale, VOCABULARY, seed=9))
    return tmp_path / "pretrained"


def run(
    task: Path, pretrained: Path, settings: Settings | None = None, variant: str = "full", out: str = "out"
) -> tuple[dict[str, Any], dict[str, Any]]:
    settings, files = settings or settings_with(), (Path(out), Path(f"{out}.parquet"))
    report, cost = finetune_all_seeds(settings, "mine", variant, task, pretrained, VOCABULARY, *files)
    return report.as_json(), cost


def content(folder: str) -> dict[str, bytes]:
    files = [*Path(folder).iterdir(), Path(f"{folder}.parquet")]
    return {path.name.removeprefix(folder): path.read_bytes() for path in files}


@pytest.mark.slow
def test_seeds_run_once_in_their_own_processes(task: Path, pretrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report, cost = run(task, pretrained)
    assert cost["seeds_seconds"] > 0
    with monkeypatch.context() as patch:
        patch.setattr(seed_jobs, "ProcessPoolExecutor", Never)
        again, _ = run(task, pretrained, out="again")
    assert again == report
    assert content("again") == content("out")
    # Run in this process they give the same, so nothing depends on how many run side by side.
    Path("elsewhere").mkdir()
    monkeypatch.setenv("DVC_ROOT", str(Path("elsewhere").resolve()))
    monkeypatch.setattr(seed_jobs, "ProcessPoolExecutor", Here)
    assert run(task, pretrained, out="here")[0] == report
    assert content("here") == content("out")


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_report_summarizes_all_seeds(task: Path, pretrained: Path) -> None:
    report, _ = run(task, pretrained, settings_with(seeds=[3, 1, 2], lr=0.02))
    assert report["seeds"] == [3, 1, 2]
    assert report["score"] == pytest.approx(np.median(report["scores"]))
    assert {key: report[key] for key in ("task", "kind", "variant", "metric", "unavailable")} == {
        **{"task": "mine", "kind": "classification", "variant": "full", "metric": "accuracy", "unavailable": None},
    }
    assert (report["n_train"], report["n_dev"], report["n_eval"]) == (48, 24, 30)
    assert (report["lr"], report["epochs"], report["lm_weight"]) == (0.02, 3, 0.5)
    assert sorted(path.name for path in Path("out").iterdir()) == [
        *("config.json", "curve.jsonl", "model.safetensors"),
    ]
    said = pd.read_parquet("out.parquet")
    assert said.columns.tolist() == ["row", "pretrain_seed", "seed", "prediction", "probabilities"]
    assert said["row"].tolist() == [*range(30)] * 3
    assert said["seed"].tolist() == [3] * 30 + [1] * 30 + [2] * 30
    probabilities = np.stack(said["probabilities"])
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=2e-6)
    assert (probabilities.argmax(1) == said["prediction"]).all()
    labels = read_encoded(task)[1]["test"].labels
    predictions = said["prediction"].to_numpy().reshape(3, 30)
    scores = (predictions == labels).mean(1)
    assert report["scores"] == pytest.approx(scores, abs=1e-6)
    middle = predictions[int(np.argsort(scores, kind="stable")[1])]
    assert report["stderr"] == pytest.approx(standard_error("accuracy", labels, middle), abs=1e-6)
    assert report["cut"] == {"train": 0, "dev": 0, "test": 0}
    assert report["tokens"] > 3 * 3 * 48 * 7
    assert report["flops"] > 6 * report["tokens"] * 2 * 16 * (4 * 16 + 2 * 32)
    config = json.loads(Path("out/config.json").read_text())
    best = [3, 1, 2][int(np.argmax(report["dev_scores"]))]
    assert config["seed"] == best
    assert report["best_seed"] == best
    assert config["recipe"]["lr"] == 0.02
    assert (config["model"]["vocabulary_size"], config["model"]["settings"]["layers"]) == (VOCABULARY, 2)
    assert config["label_scale"] == {"mean": 0.0, "spread": 1.0}
    (folder,) = [path.parent for path in Path(".pretrace/seeds").glob(f"*/{best}/model.safetensors")]
    assert Path("out/model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert load_file("out/model.safetensors")["language_model.token_embedding.weight"].shape[0] == VOCABULARY + 3
    rows = [json.loads(line) for line in Path("out/curve.jsonl").read_text().splitlines()]
    assert [(row["seed"], row["step"]) for row in rows] == [(s, step) for s in (3, 1, 2) for step in (6, 12, 18)]


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_every_seed_starts_from_every_pre_training(task: Path, pretrained: Path) -> None:
    shutil.copytree(pretrained / "transformer", pretrained / "transformer-seed-11")
    save_model(pretrained / "transformer-seed-11", build_model(settings_with().scale, VOCABULARY, seed=4))
    alone, _ = run(task, pretrained, settings_with(seeds=[2, 1]), out="alone")
    report, _ = run(task, pretrained, settings_with(seeds=[2, 1], pretrain={"seeds": [3, 11]}))
    assert (Here.jobs, Here.starts) == ([2, 1], [11, 11])  # those from the first are done
    assert (alone["pretrain_seeds"], alone["seeds"]) == ([3, 3], [2, 1])
    assert (report["pretrain_seeds"], report["seeds"]) == ([3, 3, 11, 11], [2, 1, 2, 1])
    for key in ("scores", "dev_scores", "best_epochs"):
        assert len(report[key]) == 4
        assert report[key][:2] == alone[key]
    assert report["score"] == pytest.approx(np.median(report["scores"]))
    said = pd.read_parquet("out.parquet")
    assert said["pretrain_seed"].tolist() == [3] * 60 + [11] * 60
    assert said["seed"].tolist() == ([2] * 30 + [1] * 30) * 2
    pd.testing.assert_frame_equal(said[:60], pd.read_parquet("alone.parquet"))
    labels = read_encoded(task)[1]["test"].labels
    predictions = said["prediction"].to_numpy().reshape(4, 30)
    assert report["scores"] == pytest.approx((predictions == labels).mean(1), abs=1e-6)
    shares = np.stack(said["probabilities"]).reshape(2, 60, 2)
    assert not np.array_equal(shares[0], shares[1])
    # The best on dev of all four is kept, and answers as the table says.
    best = int(np.argmax(report["dev_scores"]))
    expected = {"pretrain_seed": report["pretrain_seeds"][best], "seed": report["seeds"][best]}
    config = json.loads(Path("out/config.json").read_text())
    assert {key: config[key] for key in expected} == expected
    assert (report["best_pretrain_seed"], report["best_seed"]) == tuple(expected.values())
    model, described = load_finetuned(Path("out"))
    answers = predict_rows(model, described, read_encoded(task)[1]["test"])
    np.testing.assert_array_equal(answers.values_E, predictions[best])
    rows = [json.loads(line) for line in Path("out/curve.jsonl").read_text().splitlines()]
    assert [(row["pretrain_seed"], row["seed"]) for row in rows if row["step"] == 6] == [
        *((3, 2), (3, 1), (11, 2), (11, 1)),
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_only_what_was_pre_trained_here_has_a_pre_training_seed(task: Path, pretrained: Path) -> None:
    """Random weights, and published ones in the place of pre-training, are started from once."""
    several = {"seeds": [3, 11]}
    scratch, _ = run(task, pretrained, settings_with(pretrain=several), "scratch")
    assert (scratch["pretrain_seeds"], len(scratch["scores"])) == ([], 2)
    own, _ = run(task, pretrained)
    Here.jobs = []
    published, _ = run(task, pretrained, settings_with(pretrain={**several, "init_from": "somewhere"}))
    assert Here.jobs == []  # the same weights: the results are known
    assert published["scores"] == own["scores"]
    assert published["pretrain_seeds"] == []
    assert pd.read_parquet("out.parquet")["pretrain_seed"].isna().all()


def make_numbers(folder: Path, unlabeled: int = 0) -> Path:
    """Pairs whose number is how many letters `z` they have, up to 14 tokens long; some rows without a number."""
    random = np.random.default_rng(3)
    task = TaskData("regression", "pearson", None)
    for split, count in zip(SPLITS, (48, 24, 30), strict=True):
        pairs = [tuple("z" * n + "abcde"[:5] for n in random.integers(0, 4, 2)) for _ in range(count)]
        task.splits[split] = [Row(pair, float(sum(text.count("z") for text in pair))) for pair in pairs]
    rows = task.splits["test"][:unlabeled]
    task.unlabeled = [Row(row.parts, 0, f"id-{n}") for n, row in enumerate(rows)]
    write_task(folder, task, encode)
    return folder


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_regression_has_no_probabilities_and_counts_truncation(pretrained: Path, tmp_path: Path) -> None:
    task = make_numbers(tmp_path / "numbers", unlabeled=7)
    report, _ = run(task, pretrained)
    said = pd.read_parquet("out.parquet")
    assert said["prediction"].dtype == float
    assert said["probabilities"].isna().all()
    long = [sum(map(len, parts)) > 16 - 3 for parts in pd.read_parquet(task / "test.parquet")["parts"]]
    assert 0 < report["cut"]["test"] == sum(long) < 30
    # Rows without a number are answered by the model that is kept, in the labels' own unit.
    answers = pd.read_parquet("out/unlabeled.parquet")
    assert answers["id"].tolist() == [f"id-{n}" for n in range(7)]
    best = said[said["seed"] == report["best_seed"]]["prediction"][:7]
    np.testing.assert_allclose(answers["prediction"], best, atol=1e-4)


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_finished_seeds_are_not_run_again(task: Path, pretrained: Path) -> None:
    run(task, pretrained)
    report, _ = run(task, pretrained, settings_with(seeds=[2, 5, 1]), out="more")
    assert Here.jobs == [5]
    assert len(report["scores"]) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_finished_seeds_survive_a_crash(task: Path, pretrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = seed_jobs.finetune_seed

    def fails_for_two(model: Any, recipe: Any, splits: Any, seed: int, device: Any) -> Any:
        if seed == 2:
            raise PretraceError("step 7: the loss is nan")
        return real(model, recipe, splits, seed, device)

    with monkeypatch.context() as patch:
        patch.setattr(seed_jobs, "finetune_seed", fails_for_two)
        with pytest.raises(PretraceError, match="step 7"):
            run(task, pretrained)
    assert not Path("out").exists()
    assert [path.parent.name for path in Path(".pretrace/seeds").glob("*/*/result.json")] == ["1"]
    run(task, pretrained)
    assert Here.jobs == [2]


STAGE = """
import sys
from pathlib import Path
from tests.helpers.small_training import settings_with
from pretrace.training.finetuning.run import finetune_all_seeds

def main():
    settings = settings_with({"finetune.epochs": 12}, seeds=[1, 2, 3, 4, 5, 6])
    places = [*map(Path, sys.argv[1:3]), 80, Path("out"), Path("out.parquet")]
    report, _ = finetune_all_seeds(settings, "mine", "full", *places)
    Path("report.json").write_text(repr(report))

if __name__ == "__main__":
    main()
"""


@pytest.mark.slow
def test_killed_stage_ends_with_the_same_bytes(task: Path, pretrained: Path, tmp_path: Path) -> None:
    made = []
    (tmp_path / "stage.py").write_text(STAGE)
    paths = [*map(str, (REPOSITORY, REPOSITORY / "src")), os.environ.get("PYTHONPATH", "")]
    for name in ("whole", "killed"):
        folder = tmp_path / name
        folder.mkdir()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "DVC_ROOT": str(folder)}
        command = [sys.executable, str(tmp_path / "stage.py"), str(task), str(pretrained)]
        if name == "killed":
            with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as stage:
                while not (done := list(folder.glob(".pretrace/seeds/*/*/result.json"))) and stage.poll() is None:
                    time.sleep(0.01)
                stage.kill()
            assert 0 < len(done) < 6
            assert not (folder / "out").exists()
        subprocess.run(command, cwd=folder, env=environment, check=True, stderr=subprocess.DEVNULL)
        files = [folder / "report.json", folder / "out.parquet", *sorted((folder / "out").iterdir())]
        made.append({path.name: path.read_bytes() for path in files})
    assert len(made[0]) == 5
    assert made[0] == made[1]


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_seed_cache_changes_with_what_results_depend_on(task: Path, pretrained: Path, tmp_path: Path) -> None:
    run(task, pretrained)
    others = [
        (task, settings_with(lr=0.02), "full"),
        (task, settings_with({"finetune.epochs": 2}), "full"),
        (task, settings_with({"finetune.dropout": 0.0}), "full"),
        (task, settings_with(), "scratch"),
        (make_task(tmp_path / "other", seed=1), settings_with(), "full"),
    ]
    for place, settings, variant in others:
        run(place, pretrained, settings, variant)
        assert Here.jobs == [1, 2]
    save_model(pretrained / "transformer", build_model(settings_with().scale, VOCABULARY, seed=10))
    Here.jobs = []
    run(task, pretrained, variant="scratch")
    assert Here.jobs == []  # which does not start from the pre-trained model
    run(task, pretrained)
    assert Here.jobs == [1, 2]
    assert len(list(Path(".pretrace/seeds").iterdir())) == 1 + len(others) + 1


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_seed_cache_ignores_what_results_do_not_depend_on(task: Path, pretrained: Path) -> None:
    run(task, pretrained)
    Here.jobs = []
    for settings in (settings_with({"pretrain.lr": 0.5}), settings_with({"vocabulary.size": 90}), settings_with()):
        run(task, pretrained, settings)
    assert Here.jobs == []


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_lstm_and_random_start_run(task: Path, pretrained: Path) -> None:
    settings = settings_with({"kind": "lstm"}, variants={"lstm": {}, "bare": {"pretrained": False}})
    for variant in ("lstm", "bare"):
        report, _ = run(task, pretrained, settings, variant)
        assert report["score"] is not None


def test_unavailable_task_has_a_report_without_a_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed_jobs, "ProcessPoolExecutor", Never)
    task = make_task(tmp_path / "none", unavailable="too few documents")
    report, cost = run(task, tmp_path / "nothing")
    assert (report["score"], report["scores"], report["stderr"]) == (None, [], None)
    assert report["unavailable"] == "too few documents"
    assert (report["n_train"], report["n_eval"]) == (0, 0)
    assert cost == {}
    assert sorted(content("out")) == [".parquet", "curve.jsonl", "unavailable.json"]
    assert pd.read_parquet("out.parquet").empty
    assert (report["cut"], report["tokens"], report["flops"]) == ({}, 0, 0)


def test_missing_pretrained_model_is_one_line(task: Path, tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"model\.safetensors") as error:
        run(task, tmp_path / "nothing")
    assert "\n" not in str(error.value)


def test_missing_task_is_one_line(pretrained: Path, tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"task\.json: no such file"):
        run(tmp_path / "nothing", pretrained)
