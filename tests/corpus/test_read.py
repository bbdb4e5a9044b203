"""Text of one's own: every kind of file, however it is compressed, and what becomes a document."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, read_documents, read_files, write_documents
from pretrace.settings import Columns

ROWS = [
    {"body": "one", "who": "A", "n": 7},
    {"body": None, "who": "B", "n": 8},
    {"body": "two", "who": None, "n": None},
]


def zst(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


COMPRESS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zst, ".GZ": gzip.compress}


def read(path: Path | str, delimited: str = "file", **columns: str) -> list[Document]:
    return list(read_files(path, Columns(**columns), delimited))


def parquet(rows: list[dict]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue().to_pybytes()


def test_text_files_in_one_folder_are_sources_each(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("zwei")
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfeins")
    (tmp_path / "notes.md").write_text("no text")
    assert read(tmp_path) == [Document("a.txt", "a", "eins"), Document("b.txt", "b", "zwei")]


def test_text_files_in_folders_have_the_folder_as_source(tmp_path: Path) -> None:
    for name in ("x/1.txt", "y/z/2.txt.gz", ".hidden/3.txt", "4.txt", "x/.5.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(COMPRESS[".gz" if name.endswith(".gz") else ""](b"x"))
    found = [(d.id, d.source) for d in read(tmp_path)]
    assert found == [("4.txt", tmp_path.name), ("x/1.txt", "x"), ("y/z/2.txt.gz", "y/z")]


@pytest.mark.parametrize("compression", COMPRESS)
def test_rows_of_jsonl_and_parquet(tmp_path: Path, compression: str) -> None:
    jsonl, table = tmp_path / f"a.jsonl{compression}", tmp_path / f"b.Parquet{compression}"
    jsonl.write_bytes(COMPRESS[compression](("\n".join(map(json.dumps, ROWS)) + "\n\n").encode()))
    table.write_bytes(COMPRESS[compression](parquet(ROWS)))
    named = read(tmp_path, text="body", id="n", source="who")
    # What has no name of its own is named after its place.
    a, b = (Document(f"{path.name}:3", path.name[0], "two") for path in (jsonl, table))
    assert named == [Document("7", "A", "one"), a, Document("7", "A", "one"), b]
    plain = read(tmp_path, text="body")
    assert plain[:2] == [Document(f"{jsonl.name}:1", "a", "one"), a]
    assert read(table, text="body")[0] == Document(f"{table.name}:1", "b", "one")


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize(
    ("delimited", "expected"),
    [
        ("file", [("", "one\r\ntwo\n \n\nthree\n\n")]),
        ("piece", [(":1", "one\r\ntwo\n \n\nthree")]),
        ("blank_line", [(":1", "one\r\ntwo"), (":5", "three")]),
        ("line", [(":1", "one"), (":2", "two"), (":5", "three")]),
    ],
)
def test_what_a_document_of_plain_text_is(
    tmp_path: Path, compression: str, delimited: str, expected: list[tuple[str, str]]
) -> None:
    path = tmp_path / f"a.txt{compression}"
    path.write_bytes(COMPRESS[compression](b"\xef\xbb\xbfone\r\ntwo\n \n\nthree\n\n"))
    assert read(path, delimited) == [Document(path.name + place, "a", text) for place, text in expected]


def test_a_piece_ends_at_a_blank_line_if_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.corpus.readers.read_rows.PIECE_BYTES", 10)
    lines = ["12345678901", "", "2", "", "5678901234", "", "", "890", "", "0123456", "12345678", "2", "3" * 30]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    found = [(d.id, d.text.split("\n")) for d in read(tmp_path / "a.txt", "piece")]
    assert found == [
        ("a.txt:1", lines[:1]),
        ("a.txt:3", lines[2:5]),
        ("a.txt:8", lines[7:10]),
        ("a.txt:11", lines[10:12]),
        ("a.txt:13", lines[12:]),
    ]


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@settings(max_examples=60)
@given(st.lists(TEXTS, min_size=1, max_size=8), st.sampled_from(["file", "piece", "blank_line", "line"]))
def test_however_it_is_divided_and_compressed_no_text_is_lost(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], delimited: str
) -> None:
    content = "\n\n".join(parts).encode()
    if not content.decode("utf-8-sig").strip():
        return
    folder = tmp_path_factory.mktemp("parts")
    found = {}
    for compression in ("", ".gz", ".zst"):
        (folder / f"a.txt{compression}").write_bytes(COMPRESS[compression](content))
        found[compression] = [d.text for d in read(folder / f"a.txt{compression}", delimited)]
    assert found[""] == found[".gz"] == found[".zst"]
    assert "".join("".join(found[""]).split()) == "".join(content.decode("utf-8-sig").split())
    if delimited == "blank_line":
        assert all(line.strip() for text in found[""] for line in text.encode().split(b"\n"))


def test_parts_of_one_compressed_file_are_read_on(tmp_path: Path) -> None:
    for compression in (".gz", ".zst"):
        whole = COMPRESS[compression](b"one\n") + COMPRESS[compression](b"two\n")
        (tmp_path / f"a.txt{compression}").write_bytes(whole)
    assert [d.text for d in read(tmp_path, "line")] == ["one", "two"] * 2


def test_the_order_does_not_depend_on_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in ("b/2.txt", "a.txt", "b/1.txt", "c.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"text": "x"}')
    before = read(tmp_path)
    walk = os.walk

    def backwards(*arguments: object, **options: object) -> object:
        return ((folder, folders, files[::-1]) for folder, folders, files in reversed([*walk(*arguments, **options)]))

    monkeypatch.setattr("os.walk", backwards)
    assert read(tmp_path) == before
    assert [d.id for d in before] == ["a.txt", "b/1.txt", "b/2.txt", "c.jsonl:1"]


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("*.txt", ["1.txt"]),
        ("**/*.txt", ["1.txt", "x/2.txt", "x/y/3.txt"]),
        ("x/*", ["2.txt"]),
        ("[!1]/*.txt", ["x/2.txt"]),
        ("x/**", ["2.txt", "y/3.txt", "y/4.txt.gz"]),
        ("?.txt", ["1.txt"]),
    ],
)
def test_a_glob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, ids: list[str]) -> None:
    for name in ("1.txt", "x/2.txt", "x/y/3.txt", "x/y/4.txt.gz", "x/5.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(COMPRESS[".gz" if name.endswith("gz") else ""](b"text"))
    assert [d.id for d in read(tmp_path / pattern)] == ids
    monkeypatch.chdir(tmp_path)
    assert [d.id for d in read(pattern)] == ids


def test_a_glob_asks_nothing_of_folders_that_it_does_not_reach(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_text("one")
    (tmp_path / "x").mkdir()
    (tmp_path / "out").symlink_to("/")
    (tmp_path / "x" / "2.txt").symlink_to("nowhere")
    assert [d.id for d in read(tmp_path / "*.txt")] == ["1.txt"]
    with pytest.raises(PretraceError, match="outside of the folder"):
        read(tmp_path / "**/*.txt")


def test_a_name_with_wildcards_that_is_there_is_no_glob(tmp_path: Path) -> None:
    (tmp_path / "a[1].txt").write_text("x")
    (tmp_path / "a1.txt").write_text("y")
    assert [d.id for d in read(tmp_path / "a[1].txt")] == ["a[1].txt"]


def test_links_inside_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in" / "x").mkdir(parents=True)
    (tmp_path / "in" / "x" / "1.txt").write_text("one")
    (tmp_path / "in" / "2.txt").symlink_to("x/1.txt")
    (tmp_path / "in" / "y").symlink_to("x")
    (tmp_path / "in" / "z.txt").symlink_to("x")
    (tmp_path / "in" / "x" / "up").symlink_to("..")
    (tmp_path / "link").symlink_to("in")
    # The folder's own path may be a link, and folders are read once, at their own place.
    assert [d.id for d in read(tmp_path / "link")] == ["2.txt", "x/1.txt"]
    assert [d.id for d in read(tmp_path / "in" / "2.txt")] == ["2.txt"]


@pytest.mark.parametrize("place", ["memory://corpus", "memory://corpus/", "memory://corpus/**", "memory://corpus/*/*"])
def test_a_url(place: str) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    if memory.exists("/corpus"):
        memory.rm("/corpus", recursive=True)
    memory.pipe("/corpus/x/a.txt", b"one")
    memory.pipe("/corpus/x/b.jsonl.gz", gzip.compress(b'{"text": "two"}\n'))
    memory.pipe("/corpus/y/c.parquet", parquet([{"text": "three"}]))
    memory.pipe("/corpus/y/c.parquet.zst", zst(parquet([{"text": "four"}])))
    memory.pipe("/corpus/.hidden/d.txt", b"five")
    memory.pipe("/corpus2/e.txt", b"six")
    assert read(place) == [
        Document("x/a.txt", "x", "one"),
        Document("x/b.jsonl.gz:1", "x", "two"),
        Document("y/c.parquet:1", "y", "three"),
        Document("y/c.parquet.zst:1", "y", "four"),
    ]
    assert read("memory://corpus/x/a.txt") == [Document("a.txt", "a", "one")]


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
