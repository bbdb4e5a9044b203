"""A megabyte of each text that lies beside the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

MEGABYTE = 1_000_000


def megabytes(shared: Path) -> Iterator[tuple[str, list[str]]]:
    """The name of each file, and its texts up to a megabyte of UTF-8."""
    for path in sorted((shared / "data" / "lm").glob("*.parquet")):
        texts: list[str] = []
        left = MEGABYTE
        for text in pq.read_table(path, columns=["text"])["text"].to_pylist():
            kept = text.encode()[:left].decode(errors="ignore")
            texts.append(kept)
            left -= len(kept.encode())
            if left <= 0 or kept != text:
                break
        yield path.stem, texts
