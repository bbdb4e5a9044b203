"""Cleaned batches on disk: what is read is what was made, whatever the clock says."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pretrace.corpus.cleaning.batch_cache import CachedSteps
from pretrace.corpus.documents import Document
from pretrace.corpus.filters.base import CleanedDocument


class Steps:
    """Steps that note how often they ran."""

    steps = ()

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, documents: list[Document]) -> list[CleanedDocument]:
        self.runs += 1
        return [CleanedDocument(one.id, one.source, one.text.lower(), one.text, 7, 2, digest=b"a") for one in documents]


@pytest.mark.parametrize("now", [1_800_000_000.0, 0.0, -1e9])
def test_batch_is_cleaned_once_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: float
) -> None:
    monkeypatch.setattr(time, "time", lambda: now)
    steps = Steps()
    cached = CachedSteps(steps, tmp_path, {})
    batch = [Document("a", "a", "The CAT"), Document("b", "a", "sat")]
    first, second = cached(batch), cached(batch)
    assert steps.runs == 1 and first == second and [one.text for one in second] == ["the cat", "sat"]
    (file,) = tmp_path.iterdir()
    assert file.read_bytes()[4:8] == b"\0\0\0\0", "the same bytes at any time"
