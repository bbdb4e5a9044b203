"""A project whose tasks can be scored as prompts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.prompt_project import make_prompt_project


@pytest.fixture
def prompts(project: Path) -> Path:
    make_prompt_project(project)
    return project
