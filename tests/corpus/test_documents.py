"""Documents on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, read_documents, write_documents


def test_documents_survive_a_round_trip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.corpus.documents.PART_BYTES", 100)
    documents = [Document(str(number), "s", "ü" * 30) for number in range(7)]
    for folder in ("one", "two"):
        assert write_documents(tmp_path / folder, iter(documents)) == 7
    parts = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert parts == [f"part-0000{number}.parquet" for number in range(4)]
    assert list(read_documents(tmp_path / "one")) == documents
    for part in parts:
        assert (tmp_path / "one" / part).read_bytes() == (tmp_path / "two" / part).read_bytes()


def test_read_refuses_missing_or_damaged_documents(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match="no documents there"):
        list(read_documents(tmp_path))
    write_documents(tmp_path, [Document("1", "s", "text " * 100)])
    part = tmp_path / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(PretraceError, match=r"part-00000\.parquet: not a whole Parquet file"):
        list(read_documents(tmp_path))
