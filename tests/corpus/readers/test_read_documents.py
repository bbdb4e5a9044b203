"""Text of one's own: every kind of file, however it is compressed, and what becomes a document."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.corpus import Document, clean_text, read_files
from pretrace.settings import Columns
from tests.helpers.corpus_files import COMPRESS, parquet, zst

ROWS = [
    {"body": "one", "who": "A", "n": 7},
    {"body": None, "who": "B", "n": 8},
    {"body": "two", "who": None, "n": None},
]


def read(path: Path | str, unit: str = "file", **columns: str) -> list[Document]:
    return list(read_files(path, Columns(**columns), unit))


def test_text_files_in_one_folder_are_sources(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("zwei")
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfeins")
    (tmp_path / "notes.md").write_text("no text")
    assert read(tmp_path) == [Document("a.txt", "a", "eins"), Document("b.txt", "b", "zwei")]


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("unit", ["line", "blank_line", "piece", "file"])
def test_line_ends_of_old_macs_end_lines(tmp_path: Path, compression: str, unit: str) -> None:
    """With CR at line ends the documents are those with LF."""
    text, found = "one, in two words\nzwei\n\ndrei\n" * 400, []
    for name, end in (("a", "\n"), ("b", "\r"), ("c", "\r\n")):
        (path := tmp_path / name / f"a.txt{compression}").parent.mkdir()
        path.write_bytes(COMPRESS[compression](text.replace("\n", end).encode()))
        found.append([(document.id, clean_text(document.text)) for document in read(path, unit)])
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == {"line": 1200, "blank_line": 401, "piece": 1, "file": 1}[unit]


def test_rows_of_jsonl_may_end_in_cr(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "one"}\r{"text": "two"}\r')
    assert [document.id for document in read(tmp_path)] == ["a.jsonl:1", "a.jsonl:2"]


def test_cr_inside_of_lines_that_end_in_lf_stays(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"10 %\r20 %\r\nnext\n")
    assert [document.text for document in read(tmp_path, "line")] == ["10 %\r20 %", "next"]


def test_folders_of_text_files_are_sources(tmp_path: Path) -> None:
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
    ("unit", "expected"),
    [
        ("file", [("", "one\r\ntwo\n \n\nthree\n\n")]),
        ("piece", [(":1", "one\r\ntwo\n \n\nthree")]),
        ("blank_line", [(":1", "one\r\ntwo"), (":5", "three")]),
        ("line", [(":1", "one"), (":2", "two"), (":5", "three")]),
    ],
)
def test_plain_text_is_cut_by_the_unit(
    tmp_path: Path, compression: str, unit: str, expected: list[tuple[str, str]]
) -> None:
    path = tmp_path / f"a.txt{compression}"
    path.write_bytes(COMPRESS[compression](b"\xef\xbb\xbfone\r\ntwo\n \n\nthree\n\n"))
    assert read(path, unit) == [Document(path.name + place, "a", text) for place, text in expected]


def test_piece_ends_at_a_blank_line_if_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.corpus.readers.read_rows.SEGMENT_BYTES", 10)
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


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(TEXTS, min_size=1, max_size=8), st.sampled_from(["file", "piece", "blank_line", "line"]))
def test_no_text_is_lost_by_unit_or_compression(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], unit: str
) -> None:
    content = "\n\n".join(parts).encode()
    if not content.decode("utf-8-sig").strip():
        return
    folder = tmp_path_factory.mktemp("parts")
    found = {}
    for compression in ("", ".gz", ".zst"):
        (folder / f"a.txt{compression}").write_bytes(COMPRESS[compression](content))
        found[compression] = [d.text for d in read(folder / f"a.txt{compression}", unit)]
    assert found[""] == found[".gz"] == found[".zst"]
    assert "".join("".join(found[""]).split()) == "".join(content.decode("utf-8-sig").split())
    if unit == "blank_line":
        assert all(line.strip() for text in found[""] for line in text.encode().split(b"\n"))


def test_concatenated_compressed_parts_are_all_read(tmp_path: Path) -> None:
    for compression in (".gz", ".zst"):
        whole = COMPRESS[compression](b"one\n") + COMPRESS[compression](b"two\n")
        (tmp_path / f"a.txt{compression}").write_bytes(whole)
    assert [d.text for d in read(tmp_path, "line")] == ["one", "two"] * 2


@pytest.mark.parametrize("place", ["memory://corpus", "memory://corpus/", "memory://corpus/**", "memory://corpus/*/*"])
def test_url_is_read(place: str) -> None:
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
