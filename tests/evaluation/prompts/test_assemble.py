"""Prompts of rows: written as their file says, as many examples as fit, and errors that name file and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pretrace.common.errors import PretraceError
from pretrace.evaluation.prompts.run import open_vocabulary, read_prompt_tasks
from pretrace.evaluation.prompts.tasks import PromptTask
from pretrace.settings import load_settings
from tests.helpers.prompt_project import SIZES, change, change_prompt


def read(name: str, context: int = SIZES.context) -> PromptTask:
    settings = load_settings()
    vocabulary, own = open_vocabulary(settings, Path())
    assert own == SIZES.context
    return read_prompt_tasks(settings, [name], vocabulary, context, Path())[0]


def whole(task: PromptTask, index: int, number: int = 0, shots: int = 0) -> str:
    prompt = task.prompt("test", number, 1, shots)
    return task.form.text.joined([*prompt.texts[index], prompt.answers[index]])


@pytest.mark.usefixtures("prompts")
def test_rows_are_written_by_the_prompt_of_their_kind() -> None:
    assert whole(read("films"), 1) == "it was the best of times . 0\nlabel : good"
    assert whole(read("pairs"), 0, 1).endswith("question : the times it was . no or yes ?\nanswer : no")
    assert whole(read("ends"), 2) == "it was the best of times . 0 times"
    assert read("graded").form.levels == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert whole(read("graded"), 3).endswith("\nscore : 3")
    schemas = read("schemas")
    assert [whole(schemas, index) for index in (0, 1)] == ["the dog was lazy 0", "the king was lazy 0"]
    asked = schemas.prompt("test", 0, 1, 0).questions
    assert asked[0].asked.tolist() == asked[1].asked.tolist()
    assert schemas.assembler.unconditional(schemas.data.splits["test"][0])[0].asked.tolist() == asked[0].asked.tolist()


@pytest.mark.usefixtures("prompts")
def test_examples_stand_before_the_row_and_the_last_drawn_is_dropped_first() -> None:
    task = read("films")
    texts = [task.form.text.joined(task.prompt("test", 0, 1, shots).texts[0]) for shots in (0, 1, 2)]
    assert texts[1].endswith(f"\n{texts[0]}")
    assert texts[2].endswith(f"\n{texts[1]}")
    full = task.prompt("test", 0, 1, 30)
    assert 2 < full.examples < 16
    assert full.fits
    lengths = [len(question.given) + len(question.asked) for question in full.questions]
    assert max(lengths) <= SIZES.context
    more = task.assembler
    drawn = [task.pool.rows[i] for i in task.pool.draw(task.data.splits["test"][0], "test", 0, 1, full.examples + 1)]
    smallest = min(len(task.form.text.encoded([task.form.example(row)])) for row in drawn)
    assert max(lengths) + smallest + 1 > SIZES.context - 4  # another one of the same size would not have fitted
    assert more.assemble(task.data.splits["test"][0], drawn).examples == full.examples
    start = task.form.text.vocabulary.document_end_id
    assert all(question.given[0] == start for question in full.questions)


@pytest.mark.usefixtures("prompts")
def test_examples_have_their_right_answers_and_are_not_the_row() -> None:
    task = read("films")
    for number in range(7):
        prompt = task.prompt("test", number, 2, 2)
        row = task.data.splits["test"][number]
        drawn = [task.pool.rows[i] for i in task.pool.draw(row, "test", number, 2, 2)]
        text = task.form.text.joined(prompt.texts[0])
        for example in drawn:
            assert example.parts != row.parts
            assert f"{example.parts[0]}\nlabel : {['bad', 'good'][int(example.label)]}" in text


@pytest.mark.usefixtures("prompts")
def test_row_too_long_for_the_context_loses_its_beginning_and_is_counted(prompts: Path) -> None:
    task = read("films", context=18)
    fits = [task.prompt("test", number, 1, 2) for number in range(7)]
    assert {prompt.fits for prompt in fits} == {True, False}
    assert all(prompt.examples == 0 for prompt in fits if not prompt.fits)
    with pytest.raises(
        PretraceError, match=r"prompts/classification.yaml: row: no test row of films fits .* 14 tokens"
    ):
        read("films", context=14)
    with pytest.raises(PretraceError, match=r"classification.yaml: row: 10 tokens without the row's own text"):
        read("films", context=4)


@pytest.mark.parametrize(
    ("task", "prompt", "values", "said"),
    [
        (
            "films",
            "classification",
            {"labels": {"bad": "no"}},
            r"prompts/classification.yaml: labels: no word for class 'good'",
        ),
        (
            "films",
            "classification",
            {"labels": {"bad": "no", "good": "\u4e2d"}},
            "labels.good: the vocabulary cannot write",
        ),
        ("films", "classification", {"labels": {"bad": "no", "good": " "}}, "labels.good: the vocabulary cannot write"),
        ("films", "classification", {"labels": {"bad": "No", "good": "no"}}, "labels.good: 'no' reads as that of bad"),
        ("films", "classification", {"row": "{first}"}, r"row: no such field: \{first\}"),
        ("ends", "multiple_choice", {"row": "{before}"}, "row 0: 0 blanks|: 0 blanks"),
        ("graded", "regression", {"levels": [0.0, 99.0]}, ""),
    ],
)
def test_errors_name_the_file_and_the_key(
    prompts: Path, task: str, prompt: str, values: dict[str, Any], said: str
) -> None:
    change_prompt(prompts, prompt, **values)
    if not said:
        assert read(task).form.levels == [0.0, 99.0]
        return
    with pytest.raises(PretraceError, match=said) as raised:
        read(task)
    assert "\n" not in str(raised.value)


def test_task_may_name_a_prompt_of_its_own(prompts: Path) -> None:
    (prompts / "prompts" / "mine.yaml").write_text(
        'source: ours\nkinds: [classification]\nbefore: "Good or bad?\\n"\nrow: "{text} ="\nbetween: "\\n"\n'
        "labels: {bad: worst, good: best}\nscore: pmi\npremise: a word\ncalibrate: true\ncontent_free: [N/A, nothing]\n"
    )
    entry = {"kind": "classification", "probe": "acceptability", "prompt": "mine"}
    change(prompts, tasks={"films": entry})
    task = read("films")
    assert whole(task, 1) == "good or bad ?\nit was the best of times . 0 = best"
    prompt = task.prompt("test", 0, 1, 1)
    assert [task.form.text.joined(texts[-1:]) for texts in prompt.texts[2:]] == [
        *["\nn / a ="] * 2,
        *["\nnothing ="] * 2,
    ]
    alone = task.assembler.unconditional(task.data.splits["test"][0])
    assert alone[1].asked.tolist() == prompt.questions[1].asked.tolist()
    assert alone[0].given.tolist() == [
        1 * task.form.text.vocabulary.document_end_id,
        *task.form.text.encoded(["a word"]),
    ]
    change(prompts, few_shot={"calibrate": False, "balanced": True})
    task = read("films")
    assert task.assembler.content_free == []
    labels = [task.pool.rows[i].label for i in task.pool.draw(task.data.splits["test"][0], "test", 0, 1, 4)]
    assert sorted(labels) == [0, 0, 1, 1]


@pytest.mark.usefixtures("prompts")
def test_labels_of_rows_are_those_of_the_task() -> None:
    task = read("graded")
    np.testing.assert_allclose(task.labels("dev"), [3.2, 0.2, 1.2])
    assert [task.form.right(row) for row in task.data.splits["dev"]] == [3, 0, 1]
