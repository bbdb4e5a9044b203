"""Text for the benchmarks of the corpus stages.

The books of the development data (PRETRACE_DATA, else ../shared/data), or documentation of installed packages where
they are not; nothing is downloaded.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pretrace.corpus import collect_installed, read_documents

BOOKS = Path(os.environ.get("PRETRACE_DATA", Path(__file__).parents[2] / "shared" / "data")) / "books"
CHAPTER = 50_000
"""Characters of a document where a book must be several."""


def read_texts() -> list[str]:
    """Return whole books, or documents."""
    if BOOKS.is_dir():
        import pyarrow.parquet as pq

        tables = [pq.read_table(path, columns=["text"]) for path in sorted(BOOKS.glob("*.parquet"))]
        return [text for table in tables for text in table["text"].to_pylist()]
    with tempfile.TemporaryDirectory() as folder:
        documents = Path("data/documents")
        if not documents.exists():
            documents = Path(folder) / "documents"
            collect_installed(["networkx", "sympy"], documents)
        return [document.text for document in read_documents(documents)]


def in_parts(texts: list[str], count: int, most: int) -> Iterator[list[str]]:
    """Yield the texts in so many parts of about the same length, `most` characters in all."""
    limit = min(most, sum(map(len, texts))) / count
    part: list[str] = []
    remaining = count
    for text in texts:
        part.append(text)
        if sum(map(len, part)) >= limit:
            yield part
            part, remaining = [], remaining - 1
        if not remaining:
            return


def chapters(texts: list[str]) -> list[str]:
    return [text[start : start + CHAPTER] for text in texts for start in range(0, len(text), CHAPTER)]
