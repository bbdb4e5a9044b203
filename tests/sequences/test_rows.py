"""Rows of a task on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.sequences.rows import SequenceData, SequenceRow, read_rows, write_rows

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ROWS = st.builds(SequenceRow, TEXTS, st.lists(TEXTS, min_size=1, max_size=3).map(tuple), TEXTS, TEXTS)


@given(st.fixed_dictionaries({split: st.lists(ROWS, max_size=3) for split in ("train", "dev", "test")}))
def test_rows_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, splits: dict[str, list[SequenceRow]]
) -> None:
    folder = tmp_path_factory.mktemp("rows") / "task"
    record = write_rows(folder, SequenceData(splits, details={"left": 3}), ["bleu", "chrf"])
    again, data = read_rows(folder)
    assert (again, data.splits) == (record, splits)
    assert record.rows == {split: len(rows) for split, rows in splits.items()}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "dev.jsonl").unlink(), "dev.jsonl: no such file; run `dvc repro -f sequences`"),
        (lambda folder: (folder / "dev.jsonl").write_text("{"), "dev.jsonl: not readable"),
        (lambda folder: (folder / "dev.jsonl").write_text('{"source": "a"}'), "dev.jsonl: not readable"),
        (lambda folder: (folder / "dev.jsonl").write_bytes(b"\xff"), "dev.jsonl: not readable"),
        (lambda folder: (folder / "dev.jsonl").write_text(""), "has other rows than task.json says"),
    ],
)
def test_damaged_rows_are_named(tmp_path: Path, damage: object, message: str) -> None:
    write_rows(tmp_path / "task", SequenceData({"dev": [SequenceRow("a", ("b",))]}), ["bleu"])
    damage(tmp_path / "task")  # type: ignore[operator]
    with pytest.raises(PretraceError, match=message):
        read_rows(tmp_path / "task")
