"""Faults of prompts that `pretrace check` names before a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.evaluation.prompts.check import check_prompts
from pretrace.settings import load_settings
from tests.helpers.prompt_project import change, change_prompt


def test_whole_prompts_are_said(prompts: Path) -> None:
    (prompts / "t.jsonl").write_text(
        '{"source": "the dog", "target": "times"}\n{"source": "a king", "target": "a"}\n' * 9
    )
    change(prompts, sequences={"turned": {"test": "t.jsonl", "prompt": "gpt3_arithmetic"}})
    said = dict(check_prompts(load_settings()))
    assert said == {"prompts": "7 tasks; 7 with rows, read by the vocabulary of gpt1"}


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("classification", {"row": "{second}"}, r"prompts/classification\.yaml.*row: no such field: \{second\}"),
        ("gpt3_arithmetic", {"write": {"stop": []}}, r"prompts/gpt3_arithmetic\.yaml: write\.stop"),
        ("gpt3_arithmetic", {"write": {"stop": ["x"], "tokens": 999}}, r"prompts/gpt3_arithmetic\.yaml: write\.tokens"),
    ],
)
def test_faults_name_file_and_key(name: str, values: dict[str, Any], said: str) -> None:
    change(Path(), sequences={"sums": {"made": "two_digit_addition", "prompt": "gpt3_arithmetic"}})
    change_prompt(Path(), name, **values)
    with pytest.raises(PretraceError, match=said):
        list(check_prompts(load_settings()))


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("entailment", {"labels": {"yes": "times"}}, r"prompts/entailment\.yaml: labels: no word for class 'no'"),
        ("similarity", {"labels": {"one": "", "two": "dog"}}, r"prompts/similarity\.yaml: labels\.one: the vocabulary"),
        ("multiple_choice", {"before": "the dog " * 99}, r"prompts/multiple_choice\.yaml: row: .*context has 96"),
    ],
)
def test_faults_of_a_kinds_own_prompt_are_said(name: str, values: dict[str, Any], said: str) -> None:
    change_prompt(Path(), name, **values)
    lines = [text for heading, text in check_prompts(load_settings()) if heading == "prompts"]
    assert any(re.search(f"`pretrace fewshot` would stop: .*{said}", line) for line in lines), lines


@pytest.mark.usefixtures("prompts")
def test_label_of_an_entry_without_a_word_needs_no_rows() -> None:
    entry = {"kind": "entailment", "train": "none.csv", "labels": {"0": "maybe"}, "prompt": "gpt3_rte"}
    change(Path(), tasks={"mine": entry}, few_shot={})
    with pytest.raises(PretraceError, match=r"prompts/gpt3_rte\.yaml: labels: no word for class 'maybe' of task mine"):
        list(check_prompts(load_settings()))
