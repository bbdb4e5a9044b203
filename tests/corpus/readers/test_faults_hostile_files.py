"""Files that somebody made to do harm: refused or skipped with a line, nothing executed, nothing written elsewhere."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import socket
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, collect_text, read_documents, write_documents
from pretrace.corpus.cleaning.input_spans import spans_of
from pretrace.corpus.readers.faults import REASONS
from tests.helpers.corpus_files import check, corpus, parquet, refused, skipped

OPTIONAL, REQUIRED = b"\x25\x02\x18\x04text", b"\x25\x00\x18\x04text"
"""Of a Parquet schema: that the column text may have nulls, or none. With the other, a count of them is too long."""


def not_as_counted(content: bytes) -> bytes:
    assert content.count(OPTIONAL) == 1
    return content.replace(OPTIONAL, REQUIRED)


@pytest.mark.slow
def test_footer_that_crashes_its_reader_is_refused(folder: Path) -> None:
    (folder / "m.parquet").write_bytes(not_as_counted(parquet([{"text": "bad"}])))
    (folder / "n.parquet").write_bytes(parquet([{"text": "good"}]))
    check(folder, "damaged", "m.parquet: not a whole Parquet file", kept=0)
    assert len(skipped(folder)[0]) == 3


def test_tampered_part_of_the_documents_is_refused(tmp_path: Path) -> None:
    write_documents(tmp_path, [Document("1", "a", "text")])
    part = tmp_path / "part-00000.parquet"
    part.write_bytes(not_as_counted(part.read_bytes()))
    with pytest.raises(PretraceError, match=r"part-00000\.parquet: not a whole Parquet file of documents"):
        list(read_documents(tmp_path))
    with pytest.raises(PretraceError, match=r"part-00000\.parquet: not a whole Parquet file of documents"):
        list(spans_of(tmp_path)[0].read())


def tables() -> list[bytes]:
    rows = pa.table({"text": [f"good {number % 7}" for number in range(300)]})
    files = [io.BytesIO() for _ in range(4)]
    for number, file in enumerate(files):
        compression = ["zstd", "none", "snappy", "gzip"][number]
        pq.write_table(rows, file, compression=compression, use_dictionary=bool(number % 2), row_group_size=100)
    return [file.getvalue() for file in files]


CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4)


@pytest.mark.slow
@settings(max_examples=150)
@given(st.sampled_from(tables()), st.booleans(), CHANGES)
def test_parquet_with_other_bytes_gives_documents_or_faults(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, in_footer: bool, changes: list[tuple[float, int]]
) -> None:
    changed = bytearray(content)
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little") if in_footer else 0
    for place, byte in changes:
        changed[start + int(place * (len(content) - start))] = byte
    path = tmp_path_factory.mktemp("any") / "m.parquet"
    path.write_bytes(changed)
    before = pa.total_allocated_bytes()
    texts, faults = skipped(path)
    assert texts or faults
    assert all(fault.reason in REASONS and "\n" not in fault.line for fault in faults)
    assert pa.total_allocated_bytes() - before < 50_000_000


class Harm:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self._path,)


def test_pickle_in_a_schema_is_not_opened(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    harm = tmp_path_factory.mktemp("harm") / "done"
    names = {"ARROW:extension:name": "arrow.py_extension_type"}
    metadata = {**names, "ARROW:extension:metadata": pickle.dumps(Harm(harm), 0)}
    schema = pa.schema([pa.field("text", pa.string(), metadata=metadata)], {"pandas": pickle.dumps(Harm(harm), 0)})
    pq.write_table(pa.table([["good"]], schema), folder / "m.parquet")
    texts, faults = skipped(folder)
    assert texts == ["good"] * 3 and not faults
    assert not harm.exists()


def test_column_name_that_is_not_text(folder: Path) -> None:
    content = parquet([{"text": "bad", "name": "x"}])
    (folder / "m.parquet").write_bytes(content.replace(b"name", b"\xff\xfe\xfd\xfc"))
    check(folder, "damaged", "m.parquet: not a whole Parquet file", kept=0)


def test_paths_and_urls_in_rows_are_only_text(folder: Path, tmp_path: Path) -> None:
    with (folder / "m.jsonl.gz").open("wb") as raw, gzip.GzipFile("../../../x", "wb", fileobj=raw) as stream:
        stream.write(b'{"text": "good", "id": "../../x", "from": "/etc/\\u001b[2J"}\n')
    with tarfile.open(folder / "n.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("../../x.txt")
        archive.addfile(member)
    (folder / "o.txt.gz").write_bytes((folder / "n.tar.gz").read_bytes())
    (folder / "z.jsonl").unlink()
    before = set(tmp_path.parent.rglob("*"))
    texts, faults = skipped(folder, id="id", source="from")
    assert texts == ["good", "good"]  # what is called an archive is passed over
    assert [(fault.reason, Path(fault.file).name) for fault in faults] == [("nul", "o.txt.gz")]
    out = tmp_path / "out"
    columns = {"id": "id", "source": "from"}
    collect_text(corpus(folder / "m.jsonl.gz", columns=columns), out)
    assert [document.id for document in read_documents(out)] == ["../../x"]
    assert set(tmp_path.parent.rglob("*")) == before | {out, out / "part-00000.parquet"}


@pytest.mark.parametrize("name", ["m\x1b[2J.txt", "m\x9b2J.txt", "m\x07.jsonl", "m\u2028.txt"])
def test_file_name_cannot_control_the_terminal(folder: Path, name: str) -> None:
    (folder / name).write_text("bad")
    check(folder, "file_name", "a name with a control character")
    with pytest.raises(PretraceError) as caught:
        skipped(folder / "none" / name)
    assert all(character.isprintable() for character in str(caught.value))


def test_endless_files_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "m.txt").symlink_to("/dev/zero")
    check(folder, "link_outside", "m.txt: a link to /dev/zero")
    (folder / "m.txt").unlink()
    monkeypatch.chdir(folder)  # the name of a socket may have a hundred characters
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("m.txt")
        check(folder, "not_a_file", "m.txt: a socket")
    for name in ("p.txt", "p.parquet", "p.jsonl.gz"):
        os.mkfifo(folder / name)
        refused(folder / name, name, "a pipe")
    refused("/dev/zero", "/dev/zero")


def test_zstd_window_of_two_gigabytes_is_refused(folder: Path) -> None:
    """A frame of zstd says how much of the text before its reader must hold."""
    block = b"bad"
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3]) + (1 | len(block) << 3).to_bytes(3, "little") + block
    (folder / "m.txt.zst").write_bytes(frame)
    check(folder, "long_window", "m.txt.zst: a .zst file with a window of more than 128 MB", kept=0)
