"""Growth of memory with the corpus: the peak of cleaning and sharding a text, and ten copies of it.

Each size has a process of its own, which reads documents from disk as the pipeline does. The copies differ by a word
per document, so that none is dropped as a duplicate.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TIMES = 10
MEMORY_GROWTH = 1.2
"""Largest growth of the peak for ten times the text."""


def compare_memory(texts: list[str], vocabulary: Path) -> dict[str, Any]:
    """Measure peak resident memory in MB (millions of bytes) for the text, and for ten times the text."""
    peaks = {}
    for name, times in (("once", 1), ("ten_times", TIMES)):
        with tempfile.TemporaryDirectory() as folder:
            receiving, sending = multiprocessing.get_context("spawn").Pipe(duplex=False)
            arguments = (texts, times, vocabulary, Path(folder), sending)
            process = multiprocessing.get_context("spawn").Process(target=prepare, args=arguments)
            process.start()
            sending.close()
            peaks[name] = receiving.recv()
            process.join()
    growth = peaks["ten_times"] / peaks["once"]
    return {
        "work": "memory",
        "unit": "MB at the peak",
        "bytes": {"once": (size := sum(len(text.encode()) for text in texts)), "ten_times": TIMES * size},
        "medians": peaks,
        "ratio": round(growth, 3),
        "says": "times the peak for ten times the text",
        "same": growth < MEMORY_GROWTH,
    }


def prepare(texts: list[str], times: int, vocabulary: Path, folder: Path, pipe: Any) -> None:
    """Write documents, then clean them and make shards in a process that has not seen the texts."""
    from pretrace.corpus import write_documents

    write_documents(folder / "documents", copies(texts, times))
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=clean_and_shard, args=(folder, vocabulary, pipe))
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(process.exitcode)


def copies(texts: list[str], times: int) -> Iterator[Any]:
    from pretrace.corpus import Document

    for number in range(times):
        for name, text in enumerate(texts):
            yield Document(f"{name}-{number}", f"source{name % 7}", f"Copy{number} {text}")


def clean_and_shard(folder: Path, vocabulary: Path, pipe: Any) -> None:
    """Do as the stages `clean` and `shard`, and send the peak."""
    from pretrace.corpus import clean_documents
    from pretrace.settings import Corpus
    from pretrace.tokens import load_vocabulary
    from pretrace.tokens.shards import write_shards

    clean_documents(folder / "documents", folder / "clean", Corpus(packages=["unused"]))
    write_shards(folder / "clean", load_vocabulary(vocabulary), folder / "shards")
    unit = 1 if sys.platform == "darwin" else 1024
    pipe.send(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1))
