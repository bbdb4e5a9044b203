"""Tasks from text to text, written by a model with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.evaluation.prompts.run import few_shot, open_vocabulary, read_prompt_tasks
from pretrace.evaluation.prompts.written.tasks import SequencePromptTask
from pretrace.evaluation.prompts.written.writer import TaskWriter
from pretrace.generation import Prompt, generate
from pretrace.model import load_model
from pretrace.sequences.metrics import score_texts
from pretrace.settings import load_settings
from tests.helpers.prompt_project import MODEL, SENTENCES, change, change_prompt
from tests.helpers.small_run import run

ENTRY: dict[str, Any] = {"train": "t.jsonl", "metrics": ["f1", "bleu"], "prompt": "gpt2_translation"}


@pytest.fixture
def project_with_text(prompts: Path) -> Path:
    rows = [{"source": f"{SENTENCES[n % 4]} {n}", "target": [SENTENCES[(n + 1) % 4], "the dog"]} for n in range(40)]
    (prompts / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    change(prompts, sequences={"turned": ENTRY})
    change_prompt(prompts, "gpt2_translation", write={"tokens": 8, "stop": ["times", "\n"]})
    return prompts


def read_task() -> SequencePromptTask:
    settings = load_settings()
    vocabulary, context = open_vocabulary(settings, Path())
    task = read_prompt_tasks(settings, ["turned"], vocabulary, context, Path())[0]
    assert isinstance(task, SequencePromptTask)
    return task


@pytest.mark.usefixtures("project_with_text")
def test_prompt_ends_where_the_answer_begins() -> None:
    task = read_task()
    prompt, row = task.prompt("test", 0, 1, 2), task.data.splits["test"][0]
    text = task.form.text.joined(prompt.texts[0])
    assert text.endswith(f"{row.parts[0]} =")
    assert text.count(" =") == 3
    assert prompt.examples == 2
    assert len(prompt.questions[0].asked) == 0
    assert len(prompt.questions[0].given) <= 96 - 8
    assert len({drawn.parts[0] for drawn in task.data.splits["train"]} & {row.parts[0]}) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("project_with_text")
def test_answers_are_those_written_one_at_a_time() -> None:
    task = read_task()
    writer = TaskWriter(task, load_model(MODEL).eval())
    answered = writer.answer("test", 2, 2)
    alone, numbers = [], [int(number) for number in task.numbers["test"]]
    for number in numbers:
        given = task.prompt("test", number, 2, 2).questions[0].given.tolist()
        one = generate(writer.model, task.form.text.vocabulary, [Prompt(given)], task.writing.settings())[0]
        alone.append(one.text.strip())
        assert "times" not in one.text
        assert writer.text("test", number, 2, 2) == alone[-1]
    references = [task.references["test"][number] for number in numbers]
    assert answered.metrics == {name: one.score for name, one in score_texts(["f1", "bleu"], alone, references).items()}
    assert answered.score == answered.metrics["f1"]


@pytest.mark.slow
@pytest.mark.usefixtures("project_with_text")
def test_report_and_prompt_have_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    change(Path(), few_shot={"tasks": ["turned", "films"], "shots": [0, 2], "seeds": [1, 2], "rows": 6})
    report = few_shot(load_settings())
    task = report.tasks["turned"]
    assert (task.kind, task.metric, task.chance, task.beside) == ("sequence", "f1", 0, {})
    assert task.signatures["bleu"].startswith("nrefs:var" if "var" in task.signatures["bleu"] else "nrefs:2")
    assert set(task.shots[0].metrics) == {"f1", "bleu"}
    assert task.shots[1].metrics["f1"] == task.shots[1].score
    assert report.tasks["films"].shots[0].metrics == {}
    said = run(capsys, "prompt", "turned", "--row", "0", "--shots", "1")
    assert "prompts/gpt2_translation.yaml, written" in said
    assert "'times' or '\\n' or after 8 tokens" in said
    assert "reference" in said and "answer" in said


@pytest.mark.usefixtures("project_with_text")
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"write": {"tokens": 8, "stop": []}}, r"prompts/gpt2_translation\.yaml: write\.stop"),
        ({"write": {"tokens": 95, "stop": ["x"]}}, r"prompts/gpt2_translation\.yaml: write\.tokens: got 95.*96 tokens"),
        ({"row": "{text} ="}, r"prompts/gpt2_translation\.yaml.*row: no such field: \{text\}; takes \{source\}"),
        ({"answer": "{answer} ."}, r"prompts/gpt2_translation\.yaml.*answer: \{answer\} stands at its end"),
        ({"write": None}, r"prompts/gpt2_translation\.yaml.*write: kind sequence needs it"),
        ({"before": "the dog " * 60}, r"prompts/gpt2_translation\.yaml: row: .* tokens without the row's own text"),
    ],
)
def test_bad_prompt_names_file_and_key(values: dict[str, Any], said: str) -> None:
    change_prompt(Path(), "gpt2_translation", **values)
    with pytest.raises(PretraceError, match=said):
        read_task()


@pytest.mark.usefixtures("project_with_text")
def test_prompt_of_another_kind_names_the_section() -> None:
    change(Path(), sequences={"turned": {**ENTRY, "prompt": "sentiment"}})
    with pytest.raises(
        PretraceError, match=r"params\.yaml: sequences\.turned\.prompt: sentiment is for classification"
    ):
        read_task()
    change(Path(), sequences={"films": ENTRY})
    with pytest.raises(PretraceError, match=r"sequences\.films: `tasks` has this name already"):
        load_settings()
