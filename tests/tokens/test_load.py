"""Folders that are no vocabulary."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.tokens import load_vocabulary, train_vocabulary
from tests.helpers.word_counts import write_counts


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("vocabulary")
    train_vocabulary(write_counts(base / "counts.tsv"), base / "out", 150)
    return base / "out"


def test_load_refuses_folders_without_a_whole_vocabulary(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(
        PretraceError, match=r"no vocabulary there; takes vocabulary.json, or encoder.json and .*, or vocab.txt"
    ):
        load_vocabulary(tmp_path)
    (tmp_path / "vocabulary.json").write_text('{"kind": "other"}')
    with pytest.raises(PretraceError, match="kind: got 'other'"):
        load_vocabulary(tmp_path)
    (tmp_path / "vocabulary.json").write_bytes((folder / "vocabulary.json").read_bytes())
    with pytest.raises(PretraceError, match=r"vocabulary.model: no such file"):
        load_vocabulary(tmp_path)
    (tmp_path / "vocabulary.model").write_bytes((folder / "vocabulary.model").read_bytes() + b" ")
    with pytest.raises(PretraceError, match=r"vocabulary.model: does not match the fingerprint"):
        load_vocabulary(tmp_path)
