"""Awkward files and habits of people: each is read right, or refused in one true line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers.awkward_cases import CASES


@pytest.mark.parametrize("name", CASES)
def test_awkward_input(name: str, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = shared / "data" / "awkward" / name
    if not source.is_dir():
        pytest.skip(f"needs {source}")
    monkeypatch.chdir(tmp_path)
    folder = Path("data") / name
    shutil.copytree(source, folder)
    CASES[name](folder)
