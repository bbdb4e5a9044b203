"""Files of text in memory (compressed, Parquet), and what reading them gives or refuses."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import read_files
from pretrace.corpus.readers.faults import Fault
from pretrace.settings import Columns, Corpus


def zst(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


COMPRESS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zst, ".GZ": gzip.compress}


def parquet(rows: list[dict]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue().to_pybytes()


GOOD = b'{"text": "good"}\n'


def skipped(path: Path | str, unit: str = "file", **columns: str) -> tuple[list[str], list[Fault]]:
    """The texts that come through, and the faults."""
    faults: list[Fault] = []
    documents = read_files(path, Columns(**columns), unit, faults.append)
    return [document.text for document in documents], faults


def refused(path: Path | str, *words: str, unit: str = "file", **columns: str) -> None:
    with pytest.raises(PretraceError) as caught:
        list(read_files(path, Columns(**columns), unit))
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def check(path: Path, reason: str, *words: str, row: int | None = None, kept: int | None = None) -> None:
    """The one bad thing at `path` stops the run by name, or is the one fault, and what is good comes through."""
    refused(path, *words, "corpus.on_bad_input: skip")
    texts, faults = skipped(path)
    assert [(fault.reason, fault.row, fault.kept) for fault in faults] == [(reason, row, kept)]
    assert set(texts) == {"good"}


def corpus(path: Path, **options: Any) -> Corpus:
    return Corpus(source="files", path=str(path), **options)
