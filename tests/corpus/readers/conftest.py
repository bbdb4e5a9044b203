"""Fixtures of the readers' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.corpus_files import GOOD


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with good text in it, before and after anything that is called m."""
    (tmp_path / "a.txt").write_text("good")
    (tmp_path / "z.jsonl").write_bytes(GOOD)
    return tmp_path
