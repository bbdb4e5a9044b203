"""Prompts as files: those of the repository, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pretrace.common.errors import PretraceError
from pretrace.settings import Task, load_settings, ready_names, with_ready
from pretrace.settings.kinds import KIND_FACTS
from pretrace.settings.prompts.few_shot import FewShot
from pretrace.settings.prompts.prompt import Prompt, prompt_of_task, read_prompt
from pretrace.settings.ready import ReadySource
from tests.helpers import REPOSITORY
from tests.helpers.plain_yaml import read_yaml, write_yaml

NAMES = sorted(path.stem for path in (REPOSITORY / "prompts").glob("*.yaml"))
GOOD: dict[str, Any] = {"source": "ours", "kinds": ["classification"], "row": "{text}\nLabel:"}


def written(folder: Path, **values: Any) -> Path:
    (folder / "prompts").mkdir(exist_ok=True)
    write_yaml(folder / "prompts" / "mine.yaml", GOOD | values)
    return folder


def test_every_kind_has_a_prompt_of_its_name() -> None:
    for kind in KIND_FACTS:
        name, prompt = prompt_of_task("mine", kind, None, REPOSITORY)
        assert (name, prompt.kinds) == (kind, [kind])


@pytest.mark.parametrize("name", NAMES)
def test_prompts_of_the_repository_load(name: str) -> None:
    assert read_prompt(name, REPOSITORY).source


def test_ready_tasks_name_prompts_with_a_word_for_each_of_their_labels() -> None:
    named = 0
    for name in ready_names():
        task = Task(**with_ready("mine", {"ready": name}, ReadySource()))
        _, prompt = prompt_of_task(name, task.kind, task.prompt, REPOSITORY)
        if task.prompt and task.labels:
            named += 1
            assert not KIND_FACTS[task.kind].named or set(task.labels.values()) <= set(prompt.labels)
    assert named >= 3


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"row": "{txet}"},
            r"prompts/mine.yaml: row: no such field: \{txet\}; takes \{text\}, \{labels\}, \{answer\}",
        ),
        ({"row": "{text.__class__}"}, r"row: no such field: \{text.__class__\}"),
        ({"before": "{text}"}, r"before: no such field: \{text\}"),
        ({"kinds": ["classification", "entailment"]}, r"row: no such field: \{text\}.*\(for kind entailment\)"),
        ({"kinds": ["nonsense"]}, "kinds.0: got 'nonsense'"),
        ({"kinds": []}, "kinds: got"),
        ({"row": None}, "row: got None"),
        ({"answer": "yes"}, r"answer: has no \{answer\}"),
        ({"answer": " "}, "answer: "),
        ({"row": "{answer} {text}", "answer": " "}, "answer: is empty"),
        ({"score": "mean"}, "score: got 'mean'"),
        ({"stop": ["\n"]}, "stop: no such setting"),
        ({"labels": {"a": 1}}, "labels.a: got 1"),
        ({"content_free": []}, "content_free: got"),
        ({"levels": [1.0]}, "levels: takes two"),
        ({"levels": [1.0, 0.0]}, "levels: got .*rising"),
    ],
)
def test_wrong_prompt_is_one_line_with_file_and_key(tmp_path: Path, values: dict[str, Any], said: str) -> None:
    with pytest.raises(PretraceError, match=said) as raised:
        read_prompt("mine", written(tmp_path, **values))
    assert str(raised.value).startswith("prompts/mine.yaml: ")
    assert "\n" not in str(raised.value)


def test_missing_prompt_and_wrong_kind_are_named(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"prompts/other.yaml: no such file; prompts/ has mine"):
        read_prompt("other", written(tmp_path))
    with pytest.raises(PretraceError, match=r"tasks.films.prompt: mine is for classification; .* kind entailment"):
        prompt_of_task("films", "entailment", "mine", tmp_path)
    with pytest.raises(PretraceError, match="no folder prompts/"):
        read_prompt("mine", tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "A", "a/b", ""])
def test_prompt_of_a_task_is_a_name_and_no_path(name: str) -> None:
    with pytest.raises(ValidationError, match="prompt"):
        Task(kind="classification", probe="source", prompt=name)


def test_prompt_has_no_option_that_nobody_reads() -> None:
    assert set(read_yaml(REPOSITORY / "prompts" / "sentiment.yaml")) < set(Prompt.model_fields)


def test_values_twice_and_unknown_tasks_are_refused(project: Path) -> None:
    for values in ({"shots": [1, 1]}, {"seeds": [1, 1]}, {"tasks": ["a", "a"]}):
        with pytest.raises(ValidationError, match="the same value twice"):
            FewShot(**values)
    params = read_yaml(project / "params.yaml")
    write_yaml(project / "params.yaml", params | {"few_shot": {"tasks": ["nothing"]}})
    with pytest.raises(
        PretraceError, match=r"few_shot.tasks: got 'nothing'; takes names of `tasks` and `sequences`: source, follows"
    ):
        load_settings()
    write_yaml(project / "params.yaml", params)
    assert "few_shot" not in load_settings().in_use()
    with pytest.raises(PretraceError, match=r"--system: got .gpt9.; params\.yaml has systems: gpt1"):
        load_settings().of_system_named("gpt9")
    assert load_settings().of_system_named(None).system_name == "gpt1"
