"""Cleaned documents into the folders of their splits, with the numbers of each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pretrace.corpus.documents import Document, DocumentWriter
from pretrace.corpus.split import SPLITS


def divide(cleaned: Iterable[Document], out: Path, splits: Sequence[str | None]) -> tuple[dict[str, Any], Counter[str]]:
    """Write each document to `out/<split>/`; those without a split go nowhere.

    Returns the numbers by split and source with the histogram of lengths, and the words of the train split, counted.
    """
    counts: Counter[str] = Counter()
    lengths: Counter[int] = Counter()
    by_split = {split: Counter(documents=0, words=0, bytes=0) for split in SPLITS}
    by_source: dict[str, dict[str, Counter[str]]] = defaultdict(
        lambda: {split: Counter(documents=0, words=0, bytes=0) for split in SPLITS}
    )
    with ExitStack() as stack:
        writers = {split: stack.enter_context(DocumentWriter(out / split)) for split in SPLITS}
        for document, split in zip(cleaned, splits, strict=True):
            if split is None:
                continue
            writers[split].write(document)
            words = document.text.split()
            numbers = {"documents": 1, "words": len(words), "bytes": len(document.text.encode())}
            by_split[split].update(numbers)
            by_source[document.source][split].update(numbers)
            lengths[len(words).bit_length()] += 1
            if split == "train":
                counts.update(words)
    sources = {source: {split: dict(n) for split, n in parts.items()} for source, parts in sorted(by_source.items())}
    return {
        "splits": {split: dict(numbers) for split, numbers in by_split.items()},
        "sources": sources,
        "lengths": _histogram(lengths),
    }, counts


def _histogram(lengths: Counter[int]) -> list[dict[str, int]]:
    """Documents by their number of words, each bin twice as wide as the one before, without gaps."""
    bins = range(min(lengths), max(lengths) + 1)
    return [{"from": 1 << (bits - 1), "below": 1 << bits, "documents": lengths[bits]} for bits in bins]
