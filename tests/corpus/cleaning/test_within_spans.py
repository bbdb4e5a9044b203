"""Progress moves inside of a long document, and each byte is shown once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.corpus.cleaning import within_spans
from pretrace.corpus.cleaning.document_steps import ApplySteps, PrepareText
from pretrace.corpus.cleaning.text_spool import CleanToSpool
from pretrace.corpus.cleaning.within_spans import SpanProgress
from pretrace.corpus.documents import Document
from pretrace.corpus.text.recipe import Gpt1Words


class Bar:
    def __init__(self) -> None:
        self.amounts: list[int] = []

    def update(self, amount: int) -> None:
        self.amounts.append(amount)


class OneBatch:
    number = 3

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def read(self) -> list[list[Document]]:
        return [[Document(str(number), "s", text) for number, text in enumerate(self.texts)]]


def test_bar_moves_inside_of_a_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(within_spans, "SECONDS_BETWEEN_NOTES", 0.0)
    monkeypatch.setattr("pretrace.corpus.text.clean.BLOCK_CHARACTERS", 10)
    bar, text = Bar(), "größer noch\n" * 10
    shown = SpanProgress(tmp_path, bar)
    written = Path.write_text

    def look_after_a_note(path: Path, *arguments: str) -> int:
        size = written(path, *arguments)
        shown.look()
        return size

    monkeypatch.setattr(Path, "write_text", look_after_a_note)
    documents = CleanToSpool(ApplySteps([PrepareText(Gpt1Words())]), tmp_path)(OneBatch(text, "short"))
    assert sum(amount > 0 for amount in bar.amounts) >= 10
    assert sum(bar.amounts) == len(text.encode()) + len("short")
    for document in documents:
        shown.came(document.bytes_in)
    assert sum(bar.amounts) == sum(document.bytes_in for document in documents)
    assert not list(tmp_path.glob("*.note"))


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=8))
def test_each_byte_is_shown_once(tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[int, int]]) -> None:
    """Whatever was noted of a span before it came, the sum is that of the documents."""
    folder, bar = tmp_path_factory.mktemp("spool"), Bar()
    shown = SpanProgress(folder, bar)
    for number, (size, noted) in enumerate(spans):
        note = folder / f"{number}.note"
        note.write_text(str(min(size, noted)))
        shown.look()
        note.unlink()
        shown.came(size)
    assert all(amount >= 0 for amount in bar.amounts)
    assert sum(bar.amounts) == sum(size for size, _ in spans)


def test_half_written_note_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "1.note").write_text("")
    bar = Bar()
    SpanProgress(tmp_path, bar).look()
    assert bar.amounts == [0]
