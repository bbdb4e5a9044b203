"""The stage on made-up tasks and models: what it writes, twice the same, and with every number of updates."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from pretrace.common.errors import PretraceError
from pretrace.common.files import write_json
from pretrace.evaluation.zero_shot.run import zero_shot
from pretrace.evaluation.zero_shot.tasks import evaluate, read_tasks
from pretrace.model import LSTM, Transformer, load_model, save_model
from pretrace.schemas.models import PretrainReport
from pretrace.schemas.record import read_record
from pretrace.settings import Heuristic, LSTMSettings, ModelSettings, load_settings, read_yaml
from pretrace.tasks.rows.dataset import Row, TaskData
from pretrace.tasks.rows.metrics import score
from pretrace.tokens import load_vocabulary
from pretrace.training.engine.device import Device
from tests.helpers import REPOSITORY
from tests.helpers.made_up_results import pretrain_report
from tests.helpers.small_vocabulary import write_openai_vocabulary
from tests.helpers.task_folders import write_task

pytestmark = pytest.mark.slow

STAGE = REPOSITORY / "stages" / "zeroshot.py"
SIZES = ModelSettings(
    layers=1, width=16, heads=2, feed_forward=32, context=24, dropout=0.0, embedding_dropout="sum", initial_std=0.3
)
LSTM_SIZES = LSTMSettings(layers=1, width=16, embedding=12, dropout=0.0, initial_std=0.3)
CPU = Device("cpu", torch.float32, "")
SENTENCES = ["it was the best of times .", "the times it . was of best", "there were others too .", "others were lazy"]
ENTRIES = {
    "judged": {"kind": "classification", "probe": "acceptability", "metric": "matthews", "zero_shot": "acceptability"},
    "films": {"kind": "classification", "train": "a.csv", "test": "b.csv", "zero_shot": "sentiment"},
    "ends": {"kind": "multiple_choice", "probe": "cloze", "zero_shot": ["choice", "choice_pmi"]},
    "schemas": {"kind": "multiple_choice", "train": "a.csv", "test": "b.csv", "zero_shot": "referents"},
    "pairs": {"kind": "entailment", "probe": "follows", "zero_shot": "pair_pmi"},
    "other": {"kind": "entailment", "probe": "follows"},
}


def tasks_of() -> dict[str, TaskData]:
    def data(kind: str, metric: str, labels: list[str] | None, rows: list[Row], *heuristics: Heuristic) -> TaskData:
        splits = {"train": rows[:1], "dev": rows[::2], "test": rows}
        return TaskData(kind, metric, labels, splits, zero_shot=list(heuristics))

    judged = [Row((SENTENCES[n % 4],), n % 2, f"d{n}") for n in range(20)]
    films = [Row((SENTENCES[n % 4],), n % 2, f"d{n}") for n in range(10)]
    ends = [Row((SENTENCES[n % 4], "the dog", "a king .", "times"), n % 3, f"d{n}") for n in range(12)]
    schemas = [Row((f"{SENTENCES[n % 4]} the _ was lazy", "dog", "king"), n % 2, f"d{n}") for n in range(6)]
    pairs = [Row((SENTENCES[n % 4], SENTENCES[n % 3]), n % 2, f"d{n}") for n in range(10)]
    return {
        "judged": data("classification", "matthews", ["changed", "as written"], judged, "acceptability"),
        "films": data("classification", "accuracy", ["negative", "positive"], films, "sentiment"),
        "ends": data("multiple_choice", "accuracy", None, ends, "choice", "choice_pmi"),
        "schemas": data("multiple_choice", "accuracy", None, schemas, "referents"),
        "pairs": data("entailment", "accuracy", ["elsewhere", "continues"], pairs, "pair_pmi"),
        "other": data("entailment", "accuracy", ["no", "yes"], [Row(("a", "b"), 1)]),
    }


@pytest.fixture
def made(project: Path) -> Path:
    """A project with tasks, and a transformer with its weights after 1, 2 and 4 updates."""
    write_openai_vocabulary(project / "models/pretrained/gpt1/transformer/vocabulary")
    vocabulary = load_vocabulary(project / "models/pretrained/gpt1/transformer/vocabulary")
    for name, task in tasks_of().items():
        write_task(project / "data/tasks" / name, task, vocabulary.encode_array)
    save_model(project / "models/pretrained/gpt1/transformer", Transformer(SIZES, vocabulary.size, 9))
    kept = project / "models/pretrained/gpt1/transformer/steps"
    for step in (1, 2, 4):
        (kept / "new").mkdir(parents=True)
        save_model(kept / "new", Transformer(SIZES, vocabulary.size, step))
        (kept / "new/model.safetensors").rename(kept / f"step-{step:08d}.safetensors")
        shutil.rmtree(kept / "new")
    write_json("reports/pretrain/gpt1.json", pretrain_report(4))
    change(tasks=ENTRIES)
    return project


def change(**values: Any) -> None:
    Path("params.yaml").write_text(json.dumps({**read_yaml(Path("params.yaml")), **values}))  # JSON is YAML, too


def report(project: Path, out: str = "data/zeroshot/gpt1") -> dict[str, Any]:
    (project / out).mkdir(parents=True, exist_ok=True)
    trained = read_record(project / "reports/pretrain/gpt1.json", PretrainReport)
    made = zero_shot(
        load_settings(), project / "models/pretrained/gpt1", project / "data/tasks", trained, CPU, project / out
    )
    return made.as_json()


def each(tasks: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each task's columns, with the scores by model."""
    for name, by_column in tasks.items():
        for column, by_kind in by_column.items():
            yield name, column, by_kind


def test_report_has_every_task_model_and_step(made: Path) -> None:
    found = report(made)
    columns = {name: set(by_column) for name, by_column in found["tasks"].items()}
    paper, pmi = "lm_zero_shot", "lm_zero_shot_pmi"
    assert columns == {"judged": {paper}, "films": {paper}, "ends": {paper, pmi}, "schemas": {paper}, "pairs": {pmi}}
    for name, column, by_kind in each(found["tasks"]):
        assert set(by_kind) == {"transformer"}
        assert [point["step"] for point in by_kind["transformer"]["updates"]] == [1, 2, 4]
        for row in by_kind.values():
            assert row["updates"][-1]["score"] == row["score"]
            has_threshold = name in ("judged", "pairs")
            assert (row["threshold"] is not None) == has_threshold == ("extra_variance" in row)
            assert row["n_dev"] == {"judged": 10, "pairs": 5}.get(name, 0)
            assert row["heuristic"].endswith("_pmi") == (column == pmi)
            assert row["heuristic"] in ENTRIES[name]["zero_shot"]
            assert row["n"] == {"judged": 20, "films": 10, "ends": 12, "schemas": 6, "pairs": 10}[name]
            chance = {"judged": 0, "ends": pytest.approx(1 / 3, abs=1e-6)}.get(name, 0.5)
            assert row["chance"] == chance
    assert len({point["score"] for _, _, rows in each(found["tasks"]) for point in rows["transformer"]["updates"]}) > 3


@pytest.mark.slow
def test_predictions_are_of_the_final_transformer(made: Path) -> None:
    """Not those of the weights that were read before."""
    found = report(made)["tasks"]
    vocabulary = load_vocabulary(made / "models/pretrained/gpt1/transformer/vocabulary")
    asked = read_tasks(load_settings(), made / "data/tasks", vocabulary)
    model = load_model(made / "models/pretrained/gpt1/transformer")
    for name, task in asked.items():
        alone = evaluate(model, task, CPU)
        table = pd.read_parquet(made / f"data/zeroshot/gpt1/{name}.parquet")
        assert list(table) == ["row", "pretrain_seed", *found[name]]
        assert set(table["pretrain_seed"]) == {42}
        assert table["row"].tolist() == list(range(len(table)))
        for column in found[name]:
            one = alone[column]
            assert table[column].tolist() == one.predictions.tolist()
            assert found[name][column]["transformer"]["score"] == round(one.score, 6)
            labels = np.array([row.label for row in tasks_of()[name].splits["test"]])
            assert one.score == score(task.metric, labels, one.predictions)


def test_a_system_of_an_lstm_is_scored_by_its_weights(made: Path) -> None:
    folder = made / "models/pretrained/gpt1"
    size = load_model(folder / "transformer").vocabulary_size
    (folder / "transformer").rename(folder / "lstm")
    save_model(folder / "lstm", LSTM(LSTM_SIZES, size, SIZES.context, 9))
    shutil.rmtree(folder / "lstm/steps")
    settings = load_settings()
    scale = settings.scale.model_copy(update={"kind": "lstm"})
    (made / "out").mkdir()
    trained = read_record(made / "reports/pretrain/gpt1.json", PretrainReport)
    own = settings.model_copy(update={"scale": scale})
    found = zero_shot(own, folder, made / "data/tasks", trained, CPU, made / "out").as_json()
    for _, _, by_model in each(found["tasks"]):
        assert [point["step"] for point in by_model["lstm"]["updates"]] == [4]
    vocabulary = load_vocabulary(folder / "lstm/vocabulary")
    judged = read_tasks(own, made / "data/tasks", vocabulary)["judged"]
    alone = evaluate(load_model(folder / "lstm"), judged, CPU)["lm_zero_shot"]
    assert pd.read_parquet(made / "out/judged.parquet")["lm_zero_shot"].tolist() == alone.predictions.tolist()


def test_every_pre_training_is_scored(made: Path) -> None:
    alone, name = report(made), "transformer-seed-43"
    one = {task: pd.read_parquet(made / f"data/zeroshot/gpt1/{task}.parquet") for task in alone["tasks"]}
    shutil.copytree(made / "models/pretrained/gpt1/transformer", made / "models/pretrained/gpt1" / name)
    size = load_model(made / "models/pretrained/gpt1/transformer").vocabulary_size
    save_model(made / "models/pretrained/gpt1" / name, Transformer(SIZES, size, 8))
    change(pretrain={"seeds": [42, 43]})
    found = report(made)
    differ = 0
    for task, column, by_name in each(found["tasks"]):
        assert set(by_name) == {"transformer", name}
        assert by_name["transformer"] == alone["tasks"][task][column]["transformer"]
        table = pd.read_parquet(made / f"data/zeroshot/gpt1/{task}.parquet")
        first, second = (table[table["pretrain_seed"] == seed].reset_index(drop=True) for seed in (42, 43))
        pd.testing.assert_frame_equal(first, one[task])
        assert second["row"].tolist() == first["row"].tolist()
        labels = np.array([row.label for row in tasks_of()[task].splits["test"]])
        metric = "matthews" if task == "judged" else "accuracy"
        assert by_name[name]["score"] == pytest.approx(score(metric, labels, second[column].to_numpy()), abs=1e-6)
        differ += int((second[column] != first[column]).sum())
    assert differ > 0


@pytest.mark.slow
def test_threshold_is_independent_of_test_rows(made: Path) -> None:
    before = report(made)["tasks"]["judged"]["lm_zero_shot"]["transformer"]["threshold"]
    task = tasks_of()["judged"]
    task.splits["test"] = [Row(row.parts, 1 - row.label, row.origin) for row in task.splits["test"]]
    vocabulary = load_vocabulary(made / "models/pretrained/gpt1/transformer/vocabulary")
    write_task(made / "data/tasks/judged", task, vocabulary.encode_array)
    assert report(made)["tasks"]["judged"]["lm_zero_shot"]["transformer"]["threshold"] == before


def test_rows_are_limited(made: Path) -> None:
    change(zero_shot={"rows": 5})
    assert report(made)["tasks"]["judged"]["lm_zero_shot"]["transformer"]["n"] == 5
    assert pd.read_parquet(made / "data/zeroshot/gpt1/judged.parquet")["row"].tolist() == [0, 4, 8, 12, 16]
    assert report(made)["tasks"]["judged"]["lm_zero_shot"]["transformer"]["n_dev"] == 10


def test_weights_beyond_the_last_step_are_ignored(made: Path) -> None:
    """A folder of an earlier, longer run would give points after the final ones."""
    write_json("reports/pretrain/gpt1.json", pretrain_report(3))
    assert [point["step"] for point in report(made)["tasks"]["ends"]["lm_zero_shot"]["transformer"]["updates"]] == [
        1,
        2,
        3,
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("made")
def test_zeroshot_stage_is_deterministic(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("rows.jsonl").write_text('{"context": "it was the best of", "target": "times"}\n')
    change(language_tests={"lambada": {"protocol": "last_word", "file": "rows.jsonl"}})
    made: list[dict[str, bytes]] = []
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["zeroshot.py", "gpt1"])
        runpy.run_path(str(STAGE), run_name="__main__")
        paths = [Path("reports/zeroshot/gpt1.json"), *sorted(Path("data/zeroshot/gpt1").iterdir())]
        made.append({path.name: path.read_bytes() for path in paths})
    assert made[0] == made[1]
    assert set(made[0]) == {"gpt1.json", *(f"{name}.parquet" for name in ENTRIES if name != "other")}
    tests = json.loads(made[0]["gpt1.json"])["language_tests"]
    assert tests["lambada"]["transformer"]["protocol"].startswith("last word")
    assert set(tests["lambada"]) == {"transformer"}
    assert json.loads(Path("reports/cost.json").read_text())["zeroshot@gpt1"]["device"] == "cpu"


def test_missing_input_is_named(
    made: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["zeroshot.py", "gpt1"])
    (made / "data/tasks/ends/test.parquet").write_bytes(b"PAR1")
    with pytest.raises(PretraceError, match=r"data/tasks/ends/test\.parquet: not readable"):
        report(made)
    shutil.rmtree(made / "models/pretrained/gpt1")
    with pytest.raises(PretraceError, match=r"models/pretrained/gpt1/transformer.*: "):
        report(made)
    with pytest.raises(SystemExit):
        runpy.run_path(str(STAGE), run_name="__main__")
    assert capsys.readouterr().err.startswith("pretrace: zeroshot@gpt1: ")
    assert not Path("reports/zeroshot/gpt1.json").exists()
