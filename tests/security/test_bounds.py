"""A small file that stands for much: bounded by its values, rows and classes, not by its bytes."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus.readers import decompress
from pretrace.corpus.readers.faults import BadInputError
from pretrace.corpus.readers.read_documents import read_files
from pretrace.corpus.readers.source_file import SourceFile
from pretrace.corpus.readers.tables import read_table as tables
from pretrace.settings import Columns, Task
from pretrace.tasks.read_task import read_task_files

ROWS = 1_000_000


def one_value(text: str, dictionary: bool = False) -> pa.Table:
    """A million rows of one text; with `dictionary` Arrow gives them as numbers with the text beside them."""
    values = pa.DictionaryArray.from_arrays(pa.array(np.zeros(ROWS, np.int32)), pa.array([text]))
    return pa.table({"text": values if dictionary else values.dictionary_decode()})


FORMS: dict[str, Callable[[], tuple[pa.Table, dict[str, Any]]]] = {
    "plain": lambda: (one_value("x" * 300), {"store_schema": False}),
    "dictionary": lambda: (one_value("x" * 35_000, dictionary=True), {}),
    "nothing": lambda: (pa.table({"text": pa.nulls(5 * ROWS, pa.null())}), {"row_group_size": 5 * ROWS}),
}


@pytest.fixture(scope="module", params=FORMS)
def bomb(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bomb") / "rows.parquet"
    table, options = FORMS[request.param]()
    pq.write_table(table, path, compression="zstd", **options)
    assert path.stat().st_size < 200_000
    return path


@pytest.mark.slow
def test_parquet_of_one_value_is_no_corpus(bomb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.corpus.readers.parquet.GROWTH_FREE_BYTES", 1 << 20)
    with pytest.raises(PretraceError, match=r"rows\.parquet: grows to more than 200 times its size"):
        sum(len(document.text) for document in read_files(bomb, Columns()))


@pytest.mark.slow
def test_parquet_of_one_value_is_no_task(bomb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bomb.parent)
    monkeypatch.setattr("pretrace.corpus.readers.parquet.GROWTH_FREE_BYTES", 1 << 20)
    with pytest.raises(PretraceError, match=r"rows\.parquet: grows to more than 200 times its size"):
        read_task_files("mine", Task.model_validate({"kind": "classification", "train": "rows.parquet"}), str)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_rows_of_a_table_are_counted_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS", 100)
    path = tmp_path / f"rows{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.table({"text": ["a"] * 101}), path)
    else:
        path.write_text("text\n" + '{"text": "a"}\n' * 101 if suffix != ".jsonl" else '{"text": "a"}\n' * 101)
    with pytest.raises(PretraceError, match=rf"rows\{suffix}: has more than 100 rows"):
        tables.read_table(path, ["text"])


def task_of(path: Path, lines: list[str], kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path)
    Path("rows.jsonl").write_text("\n".join(lines))
    read_task_files("mine", Task.model_validate({"kind": kind, "train": "rows.jsonl"}), str)


@pytest.mark.parametrize("rows_a_class", [1, 2])
def test_classes_of_a_task_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_a_class: int) -> None:
    lines = [f'{{"text": "row {n}", "label": "{n // rows_a_class}"}}' for n in range(1001 * rows_a_class)]
    with pytest.raises(PretraceError, match=r"rows\.jsonl: column 'label' has 1,001 classes"):
        task_of(tmp_path, lines, "classification", monkeypatch)


def test_choices_of_a_row_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f'{{"first": "a", "choices": {["b"] * 101}, "label": 0}}'.replace("'", '"')] * 10
    with pytest.raises(PretraceError, match=r"row \d+: has 101 choices; every row needs the same number, two to 100"):
        task_of(tmp_path, lines, "multiple_choice", monkeypatch)


def opened(content: bytes) -> bytes:
    source = SourceFile("a.txt.gz", "a.txt.gz", len(content), lambda: io.BytesIO(content))
    with decompress.open_file(source) as stream:
        return stream.read()


@pytest.mark.parametrize("zeros", [0, 1, decompress.PADDING_BYTES])
def test_zeros_that_pad_a_gzip_file_are_accepted(zeros: int) -> None:
    text = gzip.compress(b"the cat ", mtime=0)
    assert opened(text + bytes(zeros)) == b"the cat "
    assert opened(text + bytes(zeros) + text) == b"the cat the cat "


def test_zeros_without_an_end_behind_a_gzip_file_are_named() -> None:
    reads = []

    class Zeros(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            chunk = super().read(size)
            reads.append(len(chunk))
            return chunk

    content = gzip.compress(b"the cat ", mtime=0) + bytes(50 << 20)
    source = SourceFile("a.txt.gz", "a.txt.gz", len(content), lambda: Zeros(content))
    with pytest.raises(BadInputError) as caught, decompress.open_file(source) as stream:
        stream.read()
    assert caught.value.at("a").line == (
        "a: not a whole .gz file (more than 65,536 zeros behind its end); make or copy it again"
    )
    assert sum(reads) < 1 << 20
