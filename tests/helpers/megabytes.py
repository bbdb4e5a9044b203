"""A megabyte of each text that lies beside the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MEGABYTE = 1_000_000


def megabytes(shared: Path) -> Iterator[tuple[str, list[str]]]:
    """The name of each file, and its texts (of all columns of text) up to a megabyte of UTF-8."""
    for path in sorted((shared / "data" / "lm").glob("*.parquet")):
        texts: list[str] = []
        left = MEGABYTE
        for text in _texts(path):
            kept = text.encode()[:left].decode(errors="ignore")
            texts.append(kept)
            left -= len(kept.encode())
            if left <= 0 or kept != text:
                break
        assert texts, path
        yield path.stem, texts


def _texts(path: Path) -> Iterator[str]:
    names = [field.name for field in pq.read_schema(path) if pa.types.is_string(field.type)]
    for row in pq.read_table(path, columns=["text"] if "text" in names else names).to_pylist():
        yield " ".join(value for value in row.values() if value)
