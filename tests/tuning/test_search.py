"""The search on dev: the same settings for every variant, no test row, nothing twice, one line for what is wrong."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pretrace.common.errors import PretraceError
from pretrace.model import build_model, save_model
from pretrace.report.search import search_lines, search_table
from pretrace.schemas.finetuning import SearchRecord
from pretrace.schemas.record import read_record
from pretrace.settings import Settings
from pretrace.tasks.rows.dataset import SPLITS, Row, TaskData
from pretrace.training.finetuning import seed_jobs
from pretrace.training.finetuning.run import finetune_all_seeds
from pretrace.tuning import search, search_on_dev
from tests.helpers.small_training import SCALE, settings_with
from tests.helpers.task_folders import write_task

VOCABULARY = 80
GRID = {"lr_factors": [0.5, 1.0], "epochs": [1, 2], "seeds": [1]}


class Here:
    """An executor that does the work at once, in this process, and counts it."""

    done = 0

    def __init__(self, workers: int, mp_context: Any = None, initializer: Any = None) -> None:
        Here.done = 0

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Any, *arguments: Any) -> Future:
        Here.done += 1
        future: Future = Future()
        future.set_result(work(*arguments))
        return future

    def shutdown(self, cancel_futures: bool) -> None:
        pass


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (search, seed_jobs):
        monkeypatch.setattr(module, "ProcessPoolExecutor", Here)


@pytest.fixture
def rows(project: Path) -> Path:
    """Folders of a task in which the letter `z` decides, of one without rows, and of a pre-trained model."""
    random = np.random.default_rng(0)
    for name, reason in (("mine", None), ("none", "too few words")):
        task = TaskData("classification", "accuracy", ["no", "yes"], unavailable=reason)
        for split, count in zip(SPLITS, (32, 24, 16), strict=True) if not reason else ():
            labels = random.integers(0, 2, count).tolist()
            texts = ["".join(random.choice(list("abcde"), 5)) + "z" * label for label in labels]
            task.splits[split] = [Row((text,), label) for text, label in zip(texts, labels, strict=True)]
        write_task(project / "data" / "encoded" / "gpt1" / name, task, encode)
    model = project / "models" / "pretrained" / "gpt1" / "transformer"
    model.mkdir(parents=True)
    save_model(model, build_model(settings_with().scale, VOCABULARY, seed=9))
    (model / "vocabulary").mkdir()
    record = {"size": VOCABULARY, "kind": "sentencepiece-bpe", "fingerprint": "0"}
    (model / "vocabulary" / "vocabulary.json").write_text(json.dumps(record))
    return project


def encode(text: str) -> np.ndarray:
    return np.array([ord(character) % VOCABULARY for character in text], np.uint16)


def settings(**grid: Any) -> Settings:
    tasks = {name: {"kind": "classification", "probe": "source", "epochs": 2} for name in ("mine", "none")}
    variants = {"full": {}, "scratch": {"pretrained": False, "lr_factor": 3.0, "epochs": {"mine": 2}}}
    return settings_with(tasks=tasks, variants=variants, search=GRID | grid)


def break_test_rows(folder: Path) -> None:
    """Turn the labels of the test rows round."""
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "test.safetensors")
    save_file({**tensors, "labels": 1 - tensors["labels"]}, folder / "test.safetensors")


@pytest.mark.slow
def test_every_variant_has_the_same_settings(rows: Path) -> None:
    record = search_on_dev(settings())
    tried = [(one.variant, one.lr_factor, one.epochs) for one in record.settings]
    assert tried == [(v, f, e) for v in ("full", "scratch") for f in (0.5, 1.0) for e in (1, 2)]
    assert {one.task for one in record.settings} == {"mine"}
    assert [one.lr for one in record.settings] == [0.005, 0.005, 0.01, 0.01] * 2
    assert all(len(one.dev_scores) == 1 for one in record.settings)
    assert record.fine_tunings == Here.done == 8
    assert read_record("reports/search.json", SearchRecord) == record
    assert set(record.made_from) == {"code", "settings", "weights", "task mine"}


@pytest.mark.slow
def test_search_goes_on_where_it_was_stopped(rows: Path) -> None:
    first = search_on_dev(settings(epochs=[1]))
    more = search_on_dev(settings(epochs=[1], seeds=[1, 2]))
    assert (first.fine_tunings, more.fine_tunings) == (4, 4)
    assert [one.dev_scores[:1] for one in more.settings] == [one.dev_scores for one in first.settings]
    again = search_on_dev(settings(epochs=[1], seeds=[1, 2]))
    assert (again.fine_tunings, again.settings) == (0, more.settings)


@pytest.mark.slow
def test_test_rows_play_no_part(rows: Path) -> None:
    before = search_on_dev(settings()).settings
    shutil.rmtree(".pretrace")
    break_test_rows(Path("data/encoded/gpt1/mine"))
    assert search_on_dev(settings()).settings == before


@pytest.mark.slow
def test_finished_cells_are_not_run_again_and_have_the_same_dev_scores(rows: Path) -> None:
    grid = {**GRID, "epochs": [1, 3], "seeds": [1, 2]}
    own = settings_with(seeds=[1, 2], variants={"full": {}}, search={**grid, "variants": ["full"]})
    folders = (Path("data/encoded/gpt1/mine"), Path("models/pretrained/gpt1"))
    report, _ = finetune_all_seeds(own, "mine", "full", *folders, VOCABULARY, Path("out"), Path("out.parquet"))
    record = search_on_dev(own)
    assert record.fine_tunings == 6
    (same,) = [one for one in record.settings if (one.variant, one.lr_factor, one.epochs) == ("full", 1.0, 3)]
    assert same.dev_scores == report.dev_scores
    shutil.rmtree(".pretrace/seeds")
    assert search_on_dev(own).settings == record.settings
    table = search_table(record, {"mine-full": report}, record.made_from)
    assert table and table.rows[0].in_the_table == f"{table.rows[0].cells[3]} (0.01, 3 passes)"


@pytest.mark.slow
def test_each_variant_is_searched_with_its_system(rows: Path) -> None:
    systems = {name: {"source": name, "scale": SCALE} for name in ("gpt1", "other")}
    variants = {"full": {}, "beside": {"system": "other"}}
    search = {**GRID, "epochs": [1], "variants": list(variants)}
    own = settings_with(systems=systems, variants=variants, search=search)
    with pytest.raises(PretraceError, match=r"data/encoded/other/mine/task\.json: no such file"):
        search_on_dev(own)
    for place in ("data/encoded", "models/pretrained"):
        shutil.copytree(f"{place}/gpt1", f"{place}/other")
    found = {name: [one.dev_scores for one in search_on_dev(own).settings if one.variant == name] for name in variants}
    assert found["full"] == found["beside"]
    save_model(Path("models/pretrained/other/transformer"), build_model(own.scale, VOCABULARY, seed=3))
    record = search_on_dev(own)
    assert record.fine_tunings == 2  # of the other system alone
    assert [one.dev_scores for one in record.settings if one.variant == "full"] == found["full"]


@pytest.mark.slow
def test_command_prints_the_best_first(rows: Path) -> None:
    said, *lines = search_lines(search_on_dev(settings(seeds=[1])))
    assert said.startswith("Searched on dev alone: 4 settings for each of full and scratch, at scale small; commit ")
    assert [line.partition(":")[0] for line in lines] == ["mine/full", "mine/scratch"]
    for line in lines:
        scores = [float(part.split()[0]) for part in line.partition(": ")[2].split("; ")]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) == 4


def test_wrong_settings_and_missing_stages_are_one_line(rows: Path) -> None:
    with pytest.raises(PretraceError, match=r"search\.variants: got 'lstm'; takes names of `variants`: full, scratch"):
        search_on_dev(settings(variants=["full", "lstm"]))
    with pytest.raises(PretraceError, match="no task has rows"):
        search_on_dev(settings_with(tasks={"none": {"kind": "classification", "probe": "source"}}))
    shutil.rmtree("models/pretrained/gpt1/transformer")
    with pytest.raises(PretraceError, match=r"vocabulary\.json: no such file"):
        search_on_dev(settings())
    assert not Path("reports/search.json").exists()


@pytest.mark.parametrize("name", ["variants", "lr_factors", "epochs", "seeds"])
def test_the_same_value_twice_is_refused(name: str) -> None:
    twice = {"variants": ["full", "full"], "lr_factors": [1.0, 1.0], "epochs": [1, 1], "seeds": [1, 1]}[name]
    with pytest.raises(ValueError, match=f"search.{name}: got .*; the same value twice"):
        settings(**{name: twice})
