"""Text of one's own: every kind of file, and one clear line for everything that is wrong with one."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pretrace.corpus import Document, collect_files, read_documents, read_files, write_documents
from pretrace.errors import PretraceError
from pretrace.settings import Columns


def read(path: Path, **columns: str) -> list[Document]:
    return list(read_files(path, Columns(**columns)))


def test_text_files_in_one_folder_are_sources_each(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("zwei")
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfeins")
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "notes.md").write_text("no text")
    assert read(tmp_path) == [Document("a.txt", "a", "eins"), Document("b.txt", "b", "zwei")]


def test_text_files_in_folders_have_the_folder_as_source(tmp_path: Path) -> None:
    for name in ("x/1.txt", "y/z/2.txt", ".hidden/3.txt", "4.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = [(d.id, d.source) for d in read(tmp_path)]
    assert found == [("4.txt", tmp_path.name), ("x/1.txt", "x"), ("y/z/2.txt", "y/z")]


def test_rows_of_jsonl_and_parquet(tmp_path: Path) -> None:
    rows = [
        {"body": "one", "who": "A", "n": 7},
        {"body": None, "who": "B", "n": 8},
        {"body": "two", "who": "C", "n": 9},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "b.parquet")
    named = read(tmp_path, text="body", id="n", source="who")
    assert named == [Document("7", "A", "one"), Document("9", "C", "two")] * 2
    plain = read(tmp_path, text="body")
    assert plain[:2] == [Document("a.jsonl:1", "a", "one"), Document("a.jsonl:3", "a", "two")]
    assert read(tmp_path / "b.parquet", text="body")[0] == Document("b.parquet:1", "b", "one")


def refused(path: Path, *words: str, **columns: str) -> None:
    with pytest.raises(PretraceError) as caught:
        read(path, **columns)
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text


def test_nothing_at_the_path(tmp_path: Path) -> None:
    refused(tmp_path / "none", "corpus.path", "none", ".jsonl")


def test_no_file_of_a_known_kind(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("x")
    refused(tmp_path, "none of its 1 files", ".txt, .jsonl, .parquet")
    refused(tmp_path / "a.pdf", "a.pdf", "it is not")


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n{"txt": "y"}\n')
    refused(tmp_path, "a.jsonl", "row 2", "no column 'text'", "has txt", "corpus.columns")
    pq.write_table(pa.table({"body": ["x"], "id": ["1"]}), tmp_path / "b.parquet")
    refused(tmp_path / "b.parquet", "b.parquet", "no column 'text'", "has body, id")


def test_rows_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x"}\n{"text": }\n')
    refused(path, "row 2", "not JSON")
    path.write_text("[1]\n")
    refused(path, "row 1", "JSON object", "list")
    path.write_text('{"text": 3}\n')
    refused(path, "row 1", "'text' takes text", "int")


def test_what_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    refused(tmp_path, "a.txt", "byte 3")
    (tmp_path / "a.txt").unlink()
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "x"}\n{"text": "caf\xe9"}\n')
    refused(tmp_path, "a.jsonl", "byte 27")


def test_a_damaged_parquet_file(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing more")
    refused(tmp_path, "a.parquet", "not a whole Parquet file")


def test_collecting_writes_all_or_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("eins")
    assert collect_files(folder, Columns(), tmp_path / "out") == {"documents": 1}
    assert list(read_documents(tmp_path / "out")) == [Document("a.txt", "a", "eins")]
    (folder / "a.txt").write_text("  ")
    with pytest.raises(PretraceError, match="no text there"):
        collect_files(folder, Columns(), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_documents_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.corpus.documents.PART_BYTES", 100)
    documents = [Document(str(number), "s", "ü" * 30) for number in range(7)]
    for folder in ("one", "two"):
        assert write_documents(tmp_path / folder, iter(documents)) == 7
    parts = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert parts == [f"part-0000{number}.parquet" for number in range(4)]
    assert list(read_documents(tmp_path / "one")) == documents
    for part in parts:
        assert (tmp_path / "one" / part).read_bytes() == (tmp_path / "two" / part).read_bytes()


def test_documents_that_are_missing_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match="no documents there"):
        list(read_documents(tmp_path))
    write_documents(tmp_path, [Document("1", "s", "text " * 100)])
    part = tmp_path / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(PretraceError, match=r"part-00000\.parquet: not a whole Parquet file"):
        list(read_documents(tmp_path))
