"""`pretrace fewshot` and `pretrace prompt` on made-up tasks and a model with random weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pretrace.cli import main
from pretrace.common.files import write_json
from pretrace.evaluation.prompts.beside import scores_beside, stderr_of_mean
from pretrace.evaluation.prompts.lines import few_shot_lines
from pretrace.evaluation.prompts.run import few_shot, open_vocabulary, read_prompt_tasks
from pretrace.evaluation.prompts.scorer import TaskScorer
from pretrace.model import load_model
from pretrace.schemas.few_shot import FewShotReport
from pretrace.schemas.record import read_record
from pretrace.settings import load_settings
from pretrace.tasks.rows.dataset import write_rows
from pretrace.training.engine.device import Device
from tests.helpers.prompt_project import ENTRIES, MODEL, change, change_prompt, tasks_of
from tests.helpers.small_run import refused, run

CPU = Device("cpu", torch.float32, "")


def scorer_of(name: str) -> TaskScorer:
    settings = load_settings()
    vocabulary, context = open_vocabulary(settings, Path())
    task = read_prompt_tasks(settings, [name], vocabulary, context, Path())[0]
    return TaskScorer(task, load_model(MODEL).eval(), CPU)


@torch.no_grad()
def plainly(scorer: TaskScorer, number: int, seed: int, shots: int) -> np.ndarray:
    """The sum of log-probabilities of each answer, each read by itself."""
    values = []
    for question in scorer.task.prompt("test", number, seed, shots).questions:
        ids = torch.from_numpy(np.concatenate([question.given, question.asked]))[None]
        logs_TV = scorer.model(ids[:, :-1]).log_softmax(-1)[0]
        own = logs_TV[-len(question.asked) :].gather(1, torch.from_numpy(question.asked)[:, None])
        values.append(float(own.sum()))
    return np.array(values)


@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["multiple_choice", "gpt3_completion"])
def test_rows_may_differ_in_their_choices(prompt: str, prompts: Path) -> None:
    task = tasks_of()["ends"]
    for split, rows in task.splits.items():
        # Every second row has two choices, in a task of three.
        task.splits[split] = [
            replace(row, parts=(*row.parts[:3], ""), label=row.label % 2) if number % 2 else row
            for number, row in enumerate(rows)
        ]
    write_rows(prompts / "data/tasks/ends", task)
    change(prompts, tasks={"ends": ENTRIES["ends"] | {"prompt": prompt}})
    scorer = scorer_of("ends")
    predictions_N = scorer.answer("test", 1, 1).predictions_N
    numbers = scorer.task.numbers["test"].tolist()
    assert all(predictions_N[place] < 2 for place, number in enumerate(numbers) if number % 2)
    for number in numbers:
        values_A = scorer.values("test", number, 1, 1)
        assert np.isfinite(values_A).tolist() == [True, True, not number % 2]
    if prompt == "multiple_choice":
        question = scorer.task.prompt("test", 1, 1, 1).questions
        assert len(question) == 2
        lengths = [len(one.asked) for one in question]
        np.testing.assert_allclose(scorer.values("test", 1, 1, 1)[:2], plainly(scorer, 1, 1, 1) / lengths, atol=1e-4)
    report = few_shot(load_settings())
    even = sum(number % 2 == 0 for number in numbers)
    expected = (even / 3 + (len(numbers) - even) / 2) / len(numbers)
    assert report.tasks["ends"].chance == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
@pytest.mark.usefixtures("prompts")
def test_values_are_those_of_answers_read_one_at_a_time() -> None:
    for name in ("films", "graded", "schemas"):
        scorer = scorer_of(name)
        for shots in (0, 2):
            answered = scorer.answer("test", 1, shots)
            for number in scorer.task.numbers["test"]:
                values = scorer.values("test", int(number), 1, shots)
                np.testing.assert_allclose(values, plainly(scorer, int(number), 1, shots), atol=1e-4)
            assert answered.examples == shots


@pytest.mark.slow
def test_report_has_every_task_and_number_of_examples(prompts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change_prompt(prompts, "entailment", score="pmi", calibrate=True)
    change_prompt(prompts, "similarity", score="mean_character")
    said = run(capsys, "fewshot")
    report = read_record("reports/fewshot/gpt1.json", FewShotReport)
    assert set(report.tasks) == set(ENTRIES)
    assert (report.system, report.model, report.context) == ("gpt1", "transformer", 96)
    for name, task in report.tasks.items():
        assert f"| {name} | {task.prompt} | {task.metric} |" in said
        assert [row.shots for row in task.shots] == [0, 1, 2, 30]
        assert [len(row.scores) for row in task.shots] == [1, 2, 2, 2]
        assert all(row.examples <= row.shots for row in task.shots)
        assert 1 <= task.shots[3].examples < 16
        assert (task.n, task.n_dev) == (6, 3)
        assert task.chosen in (2, 30)
        assert task.calibrated == (name == "pairs")
        assert task.metric == tasks_of()[name].metric
        for row in task.shots:
            assert row.score == pytest.approx(np.mean(row.scores), abs=1e-6)
    assert report.tasks["ends"].chance == pytest.approx(1 / 3, abs=1e-5)
    assert "Random tokens" in said
    (test,) = report.in_context
    assert test.step == 4
    assert test.documents == 3
    ranges = [(one.first, one.last) for one in test.by_position]
    assert ranges == [(1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 32), (33, 64), (65, 95)]
    again = few_shot(load_settings())
    clock = {"seconds"}
    assert again.model_dump(exclude=clock) == report.model_dump(exclude=clock)
    assert "\n".join(few_shot_lines(again)) == said.strip()


@pytest.mark.usefixtures("prompts")
def test_nothing_is_computed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    scorer, asked = scorer_of("films"), []
    real = scorer._scores
    monkeypatch.setattr(scorer, "_scores", lambda groups: asked.append(len(groups)) or real(groups))
    for shots, rows in ((0, 6), (0, 0), (1, 6), (30, 6), (29, 0)):
        del asked[:]
        scorer.answer("test", 1, shots)
        assert sum(asked) == rows, shots
    del asked[:]
    scorer.answer("test", 2, 0)
    assert asked == []


@pytest.mark.usefixtures("prompts")
def test_prompt_is_shown_with_tokens_answers_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "prompt", "films", "--row", "3", "--shots", "2")
    assert "prompts/classification.yaml, sum" in said
    assert "2 of 2; train rows " in said
    assert "              label :\n" in said
    assert "answer 1      'good': " in said
    assert "(right)" in said
    assert "value 1       -" in said
    vocabulary, _ = open_vocabulary(load_settings(), Path())
    start = vocabulary.document_end_id
    assert f"tokens        '\\n':{start} " in said
    assert "text 0" in run(capsys, "prompt", "schemas")
    (MODEL / "model.safetensors").unlink()
    assert "value" not in run(capsys, "prompt", "films", "--split", "dev")
    assert "also asked with 'N/A'" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prompt", "nothing"], "no task 'nothing'; params.yaml has films"),
        (["prompt", "films", "--row", "7"], "--row: got 7; test of films has rows 0 to 6"),
        (["prompt", "films", "--system", "gpt9"], "--system: got 'gpt9'"),
        (["fewshot", "--system", "gpt9"], "--system: got 'gpt9'"),
    ],
)
@pytest.mark.usefixtures("prompts")
def test_wrong_arguments_are_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert said in refused(capsys, *arguments)


def test_bad_prompt_is_refused_before_the_model_is_read(prompts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (MODEL / "model.safetensors").write_bytes(b"damaged")
    change_prompt(prompts, "classification", row="{nothing}")
    assert "prompts/classification.yaml: row: no such field" in refused(capsys, "fewshot")
    change_prompt(prompts, "classification", row="{text}")
    assert "model.safetensors" in refused(capsys, "fewshot")
    assert not Path("reports/fewshot").exists()


def test_system_of_masked_tokens_is_refused(prompts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report: dict[str, Any] = {"val_masked_loss": 3.0, "parameters": 1, "steps": 1, "tokens": 1, "flops": 1}
    write_json(prompts / "reports/pretrain/gpt1.json", report)
    assert "learned of masked tokens" in refused(capsys, "fewshot")


@pytest.mark.usefixtures("prompts")
def test_task_without_rows_is_left_out(prompts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = prompts / "data/tasks/films/task.json"
    path.write_text(path.read_text().replace('"unavailable": null', '"unavailable": "too small"'))
    change(prompts, few_shot={"tasks": ["films"], "shots": [0]})
    assert few_shot(load_settings()).tasks == {}
    assert "task films has no rows" in refused(capsys, "prompt", "films")


@pytest.mark.usefixtures("prompts")
def test_columns_of_the_table_are_beside_on_the_same_rows(
    prompts: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, rows = load_settings(), np.array([1, 4])
    assert scores_beside("films", "accuracy", rows, settings, prompts / "data") == {}
    assert "films: no scores to compare with: " in capsys.readouterr().err
    from pretrace.report.predictions import Predictions, TaskPredictions

    columns = {
        "full": Predictions(np.arange(7), np.array([[0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]]), [1, 2]),
        "fewer": Predictions(np.array([0, 1]), np.array([[0, 1]]), [None]),
    }
    made = TaskPredictions(np.array([0, 1, 0, 1, 0, 1, 0]), [], [], columns)
    monkeypatch.setattr("pretrace.evaluation.prompts.beside.read_predictions", lambda *_: made)
    beside = scores_beside("films", "accuracy", rows, settings, prompts / "data")
    assert set(beside) == {"full"}
    assert beside["full"].scores == [1.0, 0.5]
    assert beside["full"].stderr == pytest.approx(stderr_of_mean([1.0, 0.5], [0.0, 0.125**0.5]), abs=1e-6)


def test_error_of_a_mean_keeps_that_of_the_rows() -> None:
    assert stderr_of_mean([0.5], [0.1]) == pytest.approx(0.1)
    assert stderr_of_mean([0.5, 0.5, 0.5], [0.1, 0.1, 0.1]) == pytest.approx(0.1)
    assert stderr_of_mean([0.4, 0.6], [0.1, 0.1]) == pytest.approx((0.01 + 0.02 / 2) ** 0.5)


def test_help_names_both_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert "prompt" in said
    assert "fewshot" in said
