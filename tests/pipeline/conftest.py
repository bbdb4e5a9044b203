"""Fixtures of the pipeline's tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.helpers.stage_script import STAGE


@pytest.fixture
def stage(project: Path) -> list[str]:
    (project / "stage.py").write_text(STAGE)
    return [sys.executable, "stage.py"]
