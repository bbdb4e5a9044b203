"""Faults of text files: one line that stops the run, or a line in the rejects while the rest is read."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.corpus import collect_text, read_documents, read_files
from pretrace.corpus.readers.faults import REASONS, BadInputError, Fault
from pretrace.corpus.readers.parquet import dictionary_bytes
from pretrace.settings import Columns
from tests.helpers import REPOSITORY
from tests.helpers.corpus_files import GOOD, check, corpus, parquet, refused, skipped, zst


def gz(content: bytes) -> bytes:
    """Compress without the time: names of tests have the bytes in them, and each process collects them itself."""
    return gzip.compress(content, mtime=0)


LONG_WINDOW = b"\x28\xb5\x2f\xfd\x00" + bytes([(28 - 10) << 3]) + b"\x01\x00\x00"
"""A zstd frame with a window of 2**28 bytes and one empty block."""
FILES = [
    ("m.txt", b"caf\xe9", "not_utf8", ["m.txt: not UTF-8 at byte 3, perhaps 'é' in Windows-1252", "iconv"]),
    ("m.txt", b"caf\x81", "not_utf8", ["m.txt: not UTF-8 at byte 3; convert it", "iconv"]),
    ("m.txt", "text".encode("utf-16"), "utf16", ["m.txt: UTF-16, not UTF-8", "iconv -f UTF-16 -t UTF-8"]),
    ("m.jsonl", "text".encode("utf-16-be"), "utf16", ["iconv -f UTF-16BE -t UTF-8"]),
    ("m.jsonl.gz", gz("text".encode("utf-16-le")), "utf16", ["iconv -f UTF-16LE -t UTF-8"]),
    (
        "m.jsonl",
        gz(b"bad"),
        "other_content",
        ["m.jsonl: its content is gzip; give it a name", ".gz"],
    ),
    ("m.jsonl", zst(b"bad"), "other_content", ["m.jsonl: its content is zstd", ".zst"]),
    (
        "m.txt.gz",
        gz(gz(b"bad")),
        "other_content",
        ["m.txt.gz: its content is gzip"],
    ),
    ("m.txt", parquet([{"text": "bad"}]), "other_content", ["m.txt: its content is Parquet", ".parquet"]),
    ("m.txt", b"PK\x03\x04", "other_content", ["ZIP", "save it as text"]),
    ("m.txt.zst", LONG_WINDOW, "long_window", ["--long=31", "zstd -d --long=31 -c OLD | zstd -o NEW"]),
    ("m.txt", b"bad\0", "nul", ["m.txt: a NUL at character 3"]),
    ("m.txt", b"", "empty", ["m.txt: no text in it"]),
    ("m.txt", b" \n", "empty", ["m.txt"]),
    ("m.txt.gz", b"", "empty", ["m.txt.gz"]),
    ("m.jsonl", b"\n\n", "empty", ["m.jsonl"]),
    ("m.jsonl", b'{"text": null}', "empty", ["m.jsonl"]),
    ("m.txt.zst", b"", "empty", ["m.txt.zst"]),
    ("m.txt.gz", b"not compressed", "damaged", ["m.txt.gz: not a whole .gz file"]),
    ("m.txt.zst", b"not compressed", "damaged", ["m.txt.zst: not a whole .zst file"]),
    ("m.txt.gz", gz(b"bad" * 9)[:-4], "damaged", ["m.txt.gz: not a whole .gz file"]),
    ("m.txt.gz", gz(b"bad")[:-8] + bytes(8), "damaged", ["CRC"]),
    ("m.txt.zst", zst(b"bad" * 9)[:-4], "damaged", ["m.txt.zst: not a whole .zst file"]),
    ("m.parquet", b"", "empty", ["m.parquet: no text in it"]),
    ("m.parquet.gz", gz(b""), "empty", ["m.parquet.gz: no text in it"]),
    ("m.parquet", b"PAR1 and nothing more", "damaged", ["m.parquet: not a whole Parquet file"]),
    ("m.parquet", parquet([{"body": "x", "id": "1"}]), "no_column", ["m.parquet: no column 'text'; has 'body', 'id'"]),
    ("m.parquet.gz", gz(b"PAR1"), "damaged", ["m.parquet.gz: not a whole Parquet file"]),
]
ROWS = [
    (b'{"text": }', "not_json", ["row 2: not JSON"]),
    (b"[" * 100_000, "not_json", ["row 2"]),
    (b'{"text": "bad", "n": 1' + b"0" * 5000 + b"}", "not_json", ["row 2"]),
    (b"[1]", "not_an_object", ["row 2: takes a JSON object, got a list"]),
    (b'[{"text": "bad"}]', "json_array", ["row 2: one JSON array; takes one object a line"]),
    (b"[", "json_array", ["row 2: one JSON array"]),
    (b"null", "not_an_object", ["row 2: takes a JSON object, got null"]),
    (b'{"text": "bad", "text": "worse"}', "column_twice", ["row 2: more than one column 'text'; has 'text', 'text'"]),
    (b'{"txt": "bad"}', "no_column", ["row 2: no column 'text'; has 'txt'", "corpus.columns"]),
    (b'{"text": 3}', "not_text", ["row 2: column 'text' takes text, got int"]),
    (b'{"text": "caf\xe9"}', "not_utf8", ["m.jsonl: row 2: not UTF-8 at byte 30"]),
    (b'{"text": "bad\\u0000"}', "nul", ["row 2: a NUL at character 3"]),
    (b'{"text": "bad\\ud800"}', "surrogate", ["row 2: half of a surrogate pair at character 3"]),
]


@pytest.mark.parametrize(("name", "content", "reason", "words"), FILES)
def test_bad_file_is_named(folder: Path, name: str, content: bytes, reason: str, words: list[str]) -> None:
    (folder / name).write_bytes(content)
    raised = reason in ("damaged", "no_column", "utf16", "other_content", "long_window") or (
        reason == "empty" and ".parquet" in name
    )
    check(folder, reason, *words, kept=0 if raised else None)


@pytest.mark.parametrize(("row", "reason", "words"), ROWS)
@pytest.mark.parametrize("compress", [bytes, gzip.compress, zst])
def test_bad_row_is_named(folder: Path, row: bytes, reason: str, words: list[str], compress: Any) -> None:
    name = {bytes: "m.jsonl", gzip.compress: "m.jsonl.gz", zst: "m.jsonl.zst"}[compress]
    (folder / name).write_bytes(compress(GOOD + row + b"\n" + GOOD))
    check(folder, reason, *(word.replace("m.jsonl", name) for word in words), row=2)


@pytest.mark.parametrize(("unit", "row"), [("line", 2), ("blank_line", 3)])
def test_bad_document_of_a_text_file_is_named(tmp_path: Path, unit: str, row: int) -> None:
    gap = b"\n" if unit == "line" else b"\n\n"
    (tmp_path / "m.txt").write_bytes(gap.join([b"good", b"bad\xff", b"bad\0", b"good"]))
    texts, faults = skipped(tmp_path, unit)
    assert texts == ["good", "good"]
    assert [(fault.reason, fault.row) for fault in faults] == [("not_utf8", row), ("nul", 2 * row - 1)]
    refused(tmp_path, f"m.txt: row {row}: not UTF-8 at byte {4 + len(gap) + 3}", unit=unit)


def whole_lines(cut: bytes, name: str) -> int:
    """Lines that a decompressor gives back of a file that is cut off, when it is asked for a byte at a time."""
    if name.endswith(".gz"):
        return zlib.decompressobj(31).decompress(cut).count(b"\n")
    stream, lines = pa.CompressedInputStream(pa.BufferReader(cut), "zstd"), 0
    with contextlib.suppress(OSError):
        while byte := stream.read(1):
            lines += byte == b"\n"
    return lines


@pytest.mark.slow
@pytest.mark.parametrize(("name", "compress", "lost"), [("m.jsonl.gz", gzip.compress, 0), ("m.jsonl.zst", zst, 60)])
def test_rows_before_the_damage_are_kept(folder: Path, name: str, compress: Any, lost: int) -> None:
    rows = [json.dumps({"text": f"{number} {os.urandom(30).hex()}"}) for number in range(10_000)]
    whole = compress("\n".join(rows).encode())
    cut = whole[: len(whole) * 2 // 3]
    (folder / name).write_bytes(cut)
    texts, (fault,) = skipped(folder)
    kept = texts[1:-1]
    assert kept == [json.loads(row)["text"] for row in rows[: len(kept)]]
    assert (fault.reason, fault.kept) == ("damaged", len(kept))
    assert 0 <= whole_lines(cut, name) - len(kept) <= lost
    refused(folder, f"({len(kept)} documents come before that)")


def test_parquet_damaged_in_the_middle(folder: Path) -> None:
    table = pa.table({"text": ["good"] * 500})
    pq.write_table(table, folder / "m.parquet", row_group_size=100, compression="zstd", use_dictionary=False)
    chunk = pq.read_metadata(folder / "m.parquet").row_group(2).column(0)
    content = bytearray((folder / "m.parquet").read_bytes())
    place, size = chunk.data_page_offset, chunk.total_compressed_size
    content[place + size // 2 : place + size] = bytes(size - size // 2)
    (folder / "m.parquet").write_bytes(content)
    check(folder, "damaged", "m.parquet: not a whole Parquet file", kept=200)


def test_parquet_bad_rows(folder: Path) -> None:
    texts = pa.array([b"good", b"caf\xe9", b"good", b"bad\0"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": texts}), folder / "m.parquet")
    came, faults = skipped(folder)
    assert came == ["good"] * 4
    assert [(fault.reason, fault.row) for fault in faults] == [("not_utf8", 2), ("nul", 4)]
    (folder / "m.parquet").write_bytes(parquet([{"text": 3}]))
    check(folder, "not_text", "row 1: column 'text' takes text, got int", row=1)


def test_duplicate_column_is_refused(folder: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["bad"]), pa.array(["bad"])], names=["text", "text"])
    pq.write_table(table, folder / "m.parquet")
    check(folder, "column_twice", "more than one column 'text'; has 'text', 'text'", kept=0)


def test_file_names_with_control_characters(folder: Path) -> None:
    (folder / "m\nn.txt").write_text("bad")
    check(folder, "file_name", r"m\nn.txt: a name with a control character")
    (folder / "m\nn.txt").unlink()
    os.close(os.open(os.fsencode(folder) + b"/m\xff.txt", os.O_CREAT))
    check(folder, "file_name", r"m\udcff.txt")


def test_folder_with_a_bad_name(folder: Path) -> None:
    (folder / "x\r").mkdir()
    (folder / "x\r" / "b.txt").write_text("bad")
    check(folder, "file_name", r"x\r/b.txt")


@pytest.mark.parametrize("target", ["file.txt", "texts", "nowhere", "m.txt"])
def test_links_out_of_the_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory, target: str) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "file.txt").write_text("secret")
    (outside / "texts").mkdir()
    link = folder / "m.txt"
    link.symlink_to(outside / target if target != "m.txt" else "m.txt")
    reason = "link_outside" if (outside / target).exists() else "link_broken"
    check(folder, reason, "m.txt: a link to")


def test_fault_value_is_short(folder: Path) -> None:
    (folder / "m.txt").symlink_to("no\nwhere")
    check(folder, "link_broken", r"a link to no\nwhere")
    (folder / "m.txt").unlink()
    (folder / "m.jsonl").write_text(json.dumps({f"{number}\n": number for number in range(10_000)}))
    check(folder, "no_column", r"has '0\n', '1\n'", row=1)
    assert len(skipped(folder)[1][0].value) == 200


def test_irregular_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "m.txt")
    os.mkfifo(folder / "pipe")  # no text by its name: passed over
    check(folder, "not_a_file", "m.txt: a pipe")


@pytest.mark.parametrize("kind", ["txt", "txt.gz", "jsonl.zst", "parquet"])
def test_unreadable_file_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    (folder / f"m.{kind}").write_text("bad")
    system_open = os.open

    def denied(path: Any, *arguments: Any, **options: Any) -> int:
        if Path(path).name.startswith("m."):
            raise PermissionError(13, "Permission denied", str(path))
        return system_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", denied)
    check(folder, "unreadable", f"m.{kind}: cannot be read (Permission denied)", kept=0)


def test_unreadable_folder_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "m").mkdir()
    scandir = os.scandir

    def denied(path: Any) -> Any:
        if Path(path).name == "m":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    check(folder, "unreadable", "m: cannot be read (Permission denied)")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> int:
    """Documents are at most a million bytes."""
    for module in ("readers.read_rows", "readers.row"):
        monkeypatch.setattr(f"pretrace.corpus.{module}.DOCUMENT_BYTES", 1_000_000)
    return 1_000_000


@pytest.mark.parametrize("kind", ["txt", "jsonl", "piece", "line", "blank_line", "parquet"])
def test_document_of_the_greatest_length_and_one_byte_more(tmp_path: Path, short: int, kind: str) -> None:
    def write(length: int) -> None:
        long = b"x" * length
        if kind == "txt":
            (tmp_path / "m.txt").write_bytes(long)
            (tmp_path / "n.txt").write_bytes(b"good")
        elif kind == "parquet":
            rows = [{"text": "x" * length}, {"text": "good"}]
            (tmp_path / "m.parquet").write_bytes(parquet(rows))
        elif kind == "jsonl":
            line = b'{"text": "' + b"x" * (length - 12) + b'"}'
            (tmp_path / "m.jsonl").write_bytes(line + b"\n" + GOOD)
        elif kind in ("piece", "line"):
            (tmp_path / "m.txt").write_bytes(long + b"\ngood\n")
        else:
            (tmp_path / "m.txt").write_bytes(long[: length // 2] + b"\n" + long[length // 2 + 2 :] + b"\n\ngood\n")

    unit = kind if kind in ("piece", "line", "blank_line") else "file"
    write(short)
    texts, faults = skipped(tmp_path, unit)
    assert len(texts) == 2 and not faults
    write(short + 1)
    texts, (fault,) = skipped(tmp_path, unit)
    assert texts == ["good"]
    assert (fault.reason, fault.value, fault.row) == ("too_long", str(short), None if kind == "txt" else 1)
    refused(tmp_path, "a document of more than 1000000 bytes", unit=unit)


@pytest.mark.slow
@pytest.mark.parametrize("compression", ["", ".gz"])
@pytest.mark.parametrize("unit", ["piece", "line", "blank_line", "jsonl"])
def test_memory_does_not_grow_with_a_line(tmp_path: Path, short: int, compression: str, unit: str) -> None:
    content = b"words " * 10_000_000 + b"\n\n" + GOOD
    name = "m.jsonl" if unit == "jsonl" else "m.txt"
    compressed = gzip.compress(content, 1) if compression else content
    (tmp_path / (name + compression)).write_bytes(compressed)
    del content, compressed
    tracemalloc.start()
    texts, faults = skipped(tmp_path, unit.replace("jsonl", "file"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [fault.reason for fault in faults] == ["too_long"] and len(texts) == 1
    assert peak < 8 * short


@pytest.mark.slow
@pytest.mark.parametrize("name", ["m.txt.gz", "m.jsonl.gz", "m.txt.zst", "m.parquet.zst"])
def test_decompression_bomb_is_refused(folder: Path, short: int, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("pretrace.corpus.readers.decompress.GROWTH_FREE_BYTES", 2_000_000)
    compress = gzip.compress if name.endswith(".gz") else zst
    (folder / name).write_bytes(compress((b" " * 999 + b"\n") * 50_000 if "jsonl" in name else bytes(50_000_000)))
    reason = "too_long" if name == "m.txt.gz" or name == "m.txt.zst" else "too_large"
    texts, (fault,) = skipped(folder)
    assert (texts, fault.reason) == (["good"] * 2, reason)
    texts, (fault,) = skipped(folder, "line")
    assert fault.reason == "too_large"
    refused(folder, f"{name}: grows to more than 200 times its size", unit="line")


@pytest.mark.slow
def test_small_file_may_grow(folder: Path) -> None:
    (folder / "m.jsonl.zst").write_bytes(zst(GOOD * 100_000))
    texts, faults = skipped(folder)
    assert len(texts) == 100_002 and not faults


@pytest.mark.slow
def test_parquet_dictionary_values_are_bounded(tmp_path: Path) -> None:
    """A dictionary page of some bytes, and a hundred thousand rows that say its only value: 100 GB of text."""
    rows = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * 1_000_000]))
    # As another program would write it: without Arrow's word that it is a dictionary in memory as well.
    pq.write_table(pa.table({"text": rows}), tmp_path / "m.parquet", compression="zstd", store_schema=False)
    before = pa.total_allocated_bytes()
    documents = read_files(tmp_path, Columns())
    for _ in range(60):
        assert len(next(documents).text) == 1_000_000
        assert pa.total_allocated_bytes() - before < 200_000_000
    with pytest.raises(PretraceError, match=r"m\.parquet: grows to more than 200 times its size"):
        list(documents)


@pytest.mark.slow
def test_parquet_row_group_is_read_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.corpus.readers.parquet.BATCH_BYTES", 1 << 20)
    texts = pa.table({"text": [os.urandom(150_000).hex() for _ in range(200)]})
    pq.write_table(texts, tmp_path / "m.parquet", compression="zstd", use_dictionary=False, write_batch_size=4)
    del texts
    before, size = pa.total_allocated_bytes(), (tmp_path / "m.parquet").stat().st_size
    tracemalloc.start()
    arrow = max(pa.total_allocated_bytes() - before for _ in read_files(tmp_path, Columns()))
    python = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert arrow < size / 2 and python < size / 2


@pytest.mark.slow
def test_parquet_dictionary_bomb_is_not_decoded(tmp_path: Path) -> None:
    """From the page itself, whatever the file's footer says."""
    pq.write_table(pa.table({"text": ["x" * 70_000_000]}), tmp_path / "m.parquet", compression="zstd")
    chunk = pq.read_metadata(tmp_path / "m.parquet").row_group(0).column(0)
    with (tmp_path / "m.parquet").open("rb") as stream, pytest.raises(BadInputError) as caught:
        dictionary_bytes(stream, chunk)
    assert caught.value.reason == "too_large"
    pq.write_table(pa.table({"text": ["x" * 7_000_000]}), tmp_path / "m.parquet", compression="zstd")
    chunk = pq.read_metadata(tmp_path / "m.parquet").row_group(0).column(0)
    with (tmp_path / "m.parquet").open("rb") as stream:
        assert dictionary_bytes(stream, chunk) == 7_000_004  # the value, and its length before it


def test_parquet_page_bomb_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.corpus.readers.parquet.GROWTH_FREE_BYTES", 2_000_000)
    for dictionary in (True, False):
        texts = pa.table({"text": ["x" * 3_000_000]})
        pq.write_table(texts, folder / "m.parquet", compression="zstd", use_dictionary=dictionary)
        check(folder, "too_large", "m.parquet: grows to more than 200 times", kept=0)


HOSTILE = st.one_of(
    st.binary(max_size=20).filter(lambda line: b"\n" not in line),
    st.recursive(
        st.none() | st.integers() | st.text(st.characters(), max_size=5),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["text", "id"]), inner, max_size=2),
        max_leaves=4,
    ).map(lambda value: json.dumps(value).encode()),
)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(HOSTILE, max_size=6))
@example([b"\xef\xbb\xbf", b'{"text": "\\udfff"}', b"[" * 9999, b"\r"])
def test_good_rows_survive_bad_ones(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("hostile") / "m.jsonl"
    path.write_bytes(GOOD + b"".join(line + b"\n" + GOOD for line in lines))
    faults: list[Fault] = []
    documents = list(read_files(path, Columns(), "file", faults.append))
    numbers = {int(document.id.rpartition(":")[2]) for document in documents if document.text == "good"}
    assert numbers >= set(range(1, 2 * len(lines) + 2, 2))
    assert all(fault.row is not None and fault.row % 2 == 0 for fault in faults)
    assert all("\n" not in fault.line for fault in faults)
    if faults:
        refused(path, f"row {faults[0].row}: ")


@pytest.mark.slow
@settings(max_examples=200)
@given(
    st.binary(max_size=60) | st.sampled_from([gz(GOOD), zst(GOOD), parquet([{"text": "x"}])]),
    st.integers(0, 600),
    st.sampled_from([f"m{kind}{how}" for kind in (".txt", ".jsonl", ".parquet") for how in ("", ".gz", ".zst")]),
)
def test_any_bytes_give_documents_or_faults(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, cut: int, name: str
) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(content[: max(0, len(content) - cut)] if cut < 300 else content)
    texts, faults = skipped(path)
    assert texts or faults
    assert all(fault.reason in REASONS and "\n" not in fault.line for fault in faults)


def test_missing_path_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "none", "corpus.path: nothing at", "none", ".jsonl")
    refused(tmp_path / "*.txt", "corpus.path: nothing at", "*.txt")
    refused("memory://nowhere/at/all", "corpus.path: nothing at memory://nowhere")


def test_path_without_a_known_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("x")
    refused(tmp_path, "none of its 1 files", ".txt, .jsonl, .parquet")
    refused(tmp_path / "a.pdf", "a.pdf", "it is not")
    refused(tmp_path / "*.pdf", "none of its 1 files")


def test_unreadable_url_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused("nosuch://bucket/a.txt", "corpus.path: nosuch://bucket/a.txt", "Protocol not known")
    monkeypatch.setitem(sys.modules, "s3fs", None)  # as where it is not installed
    refused("s3://bucket/books", "s3://bucket/books needs a package", "pip install s3fs==")


@pytest.mark.parametrize("failure", [ConnectionError("reset by peer"), PermissionError("not yours")])
def test_network_failure_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    import fsspec
    from fsspec.implementations.memory import MemoryFile

    fsspec.filesystem("memory").pipe("/failing/m.jsonl.gz", gzip.compress(GOOD))

    def fail(*_: object) -> bytes:
        raise failure

    monkeypatch.setattr(MemoryFile, "read", fail)
    monkeypatch.setattr(MemoryFile, "readinto", fail)
    if isinstance(failure, ConnectionError):
        with pytest.raises(PretraceError, match=r"m\.jsonl\.gz: stopped answering .*reset by peer"):
            skipped("memory://failing")
    else:
        assert [fault.reason for fault in skipped("memory://failing")[1]] == ["unreadable"]


def test_rejects_are_written_and_counted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (folder / "m.jsonl").write_bytes(GOOD + b'{"txt": 1}\n{"text": 3}\n{"text": " "}\n{"text": 4}\n')
    (folder / "n.txt").write_bytes(b"\xff")
    (folder / "notes.md").write_text("passed over")
    files = ["a.txt", "m.jsonl", "n.txt", "z.jsonl"]
    written = []
    for run in ("one", "two"):
        out = tmp_path_factory.mktemp("out") / run
        report = collect_text(corpus(folder, on_bad_input="skip"), out)
        assert report.as_json() == {
            "documents": 3,
            "empty_rows": 1,
            "files": 4,
            "bytes": sum((folder / name).stat().st_size for name in files),
            "passed_over": 1,
            "rejected": {"no_column": 1, "not_text": 2, "not_utf8": 1},
        }
        written.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert written[0] == written[1]
    rejects = [json.loads(line) for line in written[0]["rejects.jsonl"].splitlines()]
    place = str(folder / "m.jsonl")
    assert rejects[0] == {"file": place, "row": 2, "reason": "no_column", "value": "'text'; has 'txt'", "kept": None}
    assert [(Path(reject["file"]).name, reject["row"]) for reject in rejects[1:]] == [
        ("m.jsonl", 3),
        ("m.jsonl", 5),
        ("n.txt", None),
    ]
    assert [document.text for document in read_documents(out)] == ["good"] * 3


def test_collect_writes_all_or_nothing(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    out = tmp_path_factory.mktemp("out") / "documents"
    assert collect_text(corpus(folder), out).documents == 2
    assert [path.name for path in out.iterdir()] == ["part-00000.parquet"]
    before = (out / "part-00000.parquet").read_bytes()
    (folder / "z.jsonl").write_bytes(GOOD + b"[]")
    with pytest.raises(PretraceError, match="row 2: takes a JSON object"):
        collect_text(corpus(folder), out)
    assert [path.read_bytes() for path in out.parent.rglob("*.parquet")] == [before]
    (folder / "a.txt").write_bytes(b"\xff")
    (folder / "z.jsonl").write_bytes(b"")
    with pytest.raises(PretraceError, match=r"no text there; all .* or bad: .*a\.txt: not UTF-8 at byte 0"):
        collect_text(corpus(folder, on_bad_input="skip"), out)
    assert [path.read_bytes() for path in out.parent.rglob("*") if path.is_file()] == [before]


def test_reasons_are_documented() -> None:
    table = (REPOSITORY / "docs" / "corpus.md").read_text(encoding="utf-8")
    for reason in REASONS:
        assert f"| `{reason}` |" in table
