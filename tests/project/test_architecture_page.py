"""docs/architecture.md names stages, packages, files and functions that are there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.helpers import REPOSITORY
from tests.helpers.plain_yaml import read_yaml
from tests.project.test_floors import FLOORS

PAGE = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
SOURCE = REPOSITORY / "src" / "pretrace"
ROW = re.compile(r"^\| [^|]+ \| `([a-z_/]+\.py)` \| `([A-Za-z_]+)` \|$", re.MULTILINE)
STAGE = re.compile(r"^\| ([a-z_]+) \| (`[^|]+`) \| (`[^|]+\.py`) \|$", re.MULTILINE)
STEP = re.compile(r"^\d\. `([a-z_/]+\.py)`(?:: `([A-Za-z_]+)`)?", re.MULTILINE)


def defined_in(path: str) -> set[str]:
    """Functions and classes of a file below src/pretrace."""
    tree = ast.parse((SOURCE / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize(("path", "function"), ROW.findall(PAGE))
def test_architecture_page_names_functions_that_exist(path: str, function: str) -> None:
    assert function in defined_in(path), f"docs/architecture.md: {path} has no {function}"


def test_architecture_page_has_every_stage() -> None:
    stages = read_yaml(REPOSITORY / "dvc.yaml")["stages"]
    rows = {stage: (calls, files) for stage, calls, files in STAGE.findall(PAGE)}
    assert list(rows) == list(stages)
    for calls, files in rows.values():
        defined = set().union(*(defined_in(path) for path in re.findall(r"`([^`]+)`", files)))
        assert set(re.findall(r"`([^`]+)`", calls)) <= defined


def test_architecture_page_has_every_package() -> None:
    table = re.findall(r"^\| `([a-z]+)` \| [^|]+ \|([^|]*)\|$", PAGE, re.MULTILINE)
    assert {name for name, _ in table} == {name for floor in FLOORS for name in floor} - {"cli"}
    for name, inner in table:
        folders = {path.parent.name for path in (SOURCE / name).glob("*/__init__.py")}
        assert set(re.findall(r"`([^`]+)`", inner)) == folders, name


def test_architecture_page_walks_through_existing_files() -> None:
    steps = STEP.findall(PAGE)
    assert len(steps) == 8
    for path, name in steps:
        assert (SOURCE / path).is_file() or (REPOSITORY / path).is_file(), path
        assert not name or name in defined_in(path), (path, name)
