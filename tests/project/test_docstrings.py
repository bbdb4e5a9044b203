"""Docstrings begin with what a thing does or is; ruff's D401 sees to the mood of functions."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY


@pytest.mark.parametrize("folder", ["src", "stages", "benchmarks"])
def test_docstrings_do_not_begin_like_a_question(folder: str) -> None:
    for path in sorted((REPOSITORY / folder).rglob("*.py")):
        for line, text in strings_alone(path):
            first = text.split(maxsplit=1)[0] if text.strip() else ""
            assert first not in ("What", "Whether"), f"{path.relative_to(REPOSITORY)}:{line}"


def strings_alone(path: Path) -> list[tuple[int, str]]:
    """Docstrings, also those under constants and fields, with their lines."""
    tree = ast.parse(path.read_bytes())
    alone = [node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    return [(node.lineno, node.value.value) for node in alone if isinstance(node.value.value, str)]
