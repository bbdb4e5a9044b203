"""From collected documents to cleaned, divided ones, and to the count of every word.

Documents are cleaned by a pool of processes and written in the order they came; the number of processes changes
nothing. Only names, lengths and checksums of the whole corpus are in memory at once.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretrace.corpus.clean import clean_text
from pretrace.corpus.documents import Document, DocumentWriter, read_documents
from pretrace.corpus.split import SPLITS, Entry, split_documents
from pretrace.files import atomic_folder, write_text
from pretrace.progress import progress

if TYPE_CHECKING:
    from pretrace.settings import Corpus

BATCH_CHARACTERS = 500_000
"""Text that goes to a process at once."""
BATCHES_AHEAD = 8
"""Batches that are handed out before the first result is taken, so that memory stays bounded."""


def clean_documents(raw: Path, out: Path, corpus: Corpus, workers: int = 2) -> dict[str, Any]:
    """Clean the documents in `raw`; write `out/{train,validation,probes}/part-*.parquet` and `out/counts.tsv`.

    Documents that are empty after cleaning, or whose cleaned text stood earlier in the corpus, are left out.
    `counts.tsv` has the words of the train split with their numbers, most frequent first, ties by word.

    Returns:
        Numbers for the report: documents, words and bytes (UTF-8) by split and by source, and what was left out.

    Raises:
        PretraceError: no documents in `raw`, or too few are left to divide.
    """
    tally: Counter[str] = Counter()
    with atomic_folder(out) as temporary:
        cleaned = temporary / "cleaned"
        entries: list[Entry] = []
        with DocumentWriter(cleaned) as writer:
            for document, entry in _kept(_cleaned(read_documents(raw), workers, tally), tally):
                writer.write(document)
                entries.append(entry)
        splits = split_documents(entries, corpus.validation_share, corpus.probe_share)
        numbers, counts = _divide(cleaned, temporary, splits)
        for part in cleaned.iterdir():
            part.unlink()
        cleaned.rmdir()
        rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
        write_text(temporary / "counts.tsv", "".join(f"{word}\t{count}\n" for word, count in rows))
    return {
        "documents_in": tally["documents"],
        "bytes_in": tally["bytes"],
        "words_in": tally["words"],
        "left_out": {"empty": tally["empty"], "repeated": tally["repeated"]},
        "distinct_words": len(counts),
        **numbers,
    }


def _cleaned(documents: Iterable[Document], workers: int, tally: Counter[str]) -> Iterator[tuple[Document, str]]:
    """Each document with its clean text, in order."""
    with ProcessPoolExecutor(workers) as pool, progress(unit="B", description="clean") as bar:
        batches = _batches(documents)
        waiting = [(batch, pool.submit(_clean_batch, batch)) for batch in islice(batches, BATCHES_AHEAD)]
        while waiting:
            batch, future = waiting.pop(0)
            texts = future.result()
            waiting += [(next_one, pool.submit(_clean_batch, next_one)) for next_one in islice(batches, 1)]
            for document, text in zip(batch, texts, strict=True):
                size = len(document.text.encode())
                tally.update(documents=1, bytes=size, words=len(document.text.split()))
                bar.update(size)
                yield document, text


def _clean_batch(batch: list[Document]) -> list[str]:
    return [clean_text(document.text) for document in batch]


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document.text)
        if size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _kept(cleaned: Iterable[tuple[Document, str]], tally: Counter[str]) -> Iterator[tuple[Document, Entry]]:
    seen: set[bytes] = set()
    for document, text in cleaned:
        digest = hashlib.sha256(text.encode()).digest()
        if not text or digest in seen:
            tally["repeated" if text else "empty"] += 1
            continue
        seen.add(digest)
        words = len(text.split())
        yield Document(document.id, document.source, text), Entry(document.id, document.source, words)


def _divide(cleaned: Path, out: Path, splits: list[str]) -> tuple[dict[str, Any], Counter[str]]:
    """Write each document to its split; the numbers by split and source, and the words of the train split."""
    counts: Counter[str] = Counter()
    by_split = {split: Counter(documents=0, words=0, bytes=0) for split in SPLITS}
    by_source: dict[str, dict[str, Counter[str]]] = defaultdict(
        lambda: {split: Counter(documents=0, words=0, bytes=0) for split in SPLITS}
    )
    with ExitStack() as stack:
        writers = {split: stack.enter_context(DocumentWriter(out / split)) for split in SPLITS}
        for document, split in zip(read_documents(cleaned), splits, strict=True):
            writers[split].write(document)
            words = document.text.split()
            numbers = {"documents": 1, "words": len(words), "bytes": len(document.text.encode())}
            by_split[split].update(numbers)
            by_source[document.source][split].update(numbers)
            if split == "train":
                counts.update(words)
    sources = {source: {split: dict(n) for split, n in parts.items()} for source, parts in sorted(by_source.items())}
    return {"splits": {split: dict(numbers) for split, numbers in by_split.items()}, "sources": sources}, counts
