"""Commands in the docs: `pretrace` ones can be parsed, settings that are set exist, files that are named are there."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pretrace.cli import build_parser
from pretrace.settings import read_yaml
from tests.helpers import REPOSITORY

PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
PARAMS = read_yaml(REPOSITORY / "params.yaml")
SCALES = {path.stem: read_yaml(path) for path in (REPOSITORY / "scales").glob("*.yaml")}


def commands(page: Path, name: str) -> list[list[str]]:
    """The commands of a page of that program: indented lines, without comments, joined where one goes on."""
    text = re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))
    lines = re.findall(rf"^    (\.venv/bin/{name} [^<\n]*?)(?: < .*)?$", text, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def test_docs_have_commands() -> None:
    assert sum(len(commands(page, "pretrace")) for page in PAGES) > 10
    assert sum(len(commands(page, "dvc")) for page in PAGES) > 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pretrace_commands_can_be_parsed(page: Path) -> None:
    for command in commands(page, "pretrace"):
        assert build_parser().parse_args(command[1:]).run


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_settings_in_commands_exist(page: Path) -> None:
    for command in commands(page, "dvc exp run"):
        for option, value in pairwise(command):
            if option != "-S" or value.startswith("+"):
                continue
            key, _, setting = value.partition("=")
            file, _, inner = key.rpartition(":")  # "scales/laptop.yaml:pretrain.steps"
            values = read_yaml(REPOSITORY / file) if file else PARAMS
            assert has(values, inner.split(".")), f"{page.name}: {key}"
            assert key != "scale" or setting in SCALES, f"{page.name}: no scale {setting}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_named_files_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:src|stages|scales|docs|tests|benchmarks)/[\w/]+\.\w+)`", text)
    named += [f"{page.parent.relative_to(REPOSITORY)}/{link}" for link in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)]
    named += [f"{page.parent.relative_to(REPOSITORY)}/{link}" for link in re.findall(r"\]\((\w[\w/]*\.md)\)", text)]
    for name in named:
        assert (REPOSITORY / name).exists(), f"{page.name}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_named_pre_training_settings_exist(page: Path) -> None:
    known = set(SCALES["gpt1"]["pretrain"]) | set(PARAMS["pretrain"])
    for name in re.findall(r"`pretrain\.(\w+)`", page.read_text(encoding="utf-8")):
        assert name in known, f"{page.name}: pretrain.{name}"


def has(values: Any, key: list[str]) -> bool:
    return not key or (isinstance(values, dict) and key[0] in values and has(values[key[0]], key[1:]))
