"""Fixtures of the shards' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrace.corpus import Document, write_documents
from pretrace.tokens.shards import write_shards
from tests.helpers.small_shards import TEXTS, Words


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pretrace.tokens.shards.write.TOKENS_PER_FILE", 100)
    write_documents(tmp_path / "clean" / "train", [Document(*row) for row in ((i, "s", t) for i, t in TEXTS.items())])
    write_documents(tmp_path / "clean" / "validation", [Document("v", "s", "w5 w6")])
    write_shards(tmp_path / "clean", Words(), tmp_path / "shards")
    return tmp_path / "shards"
