"""Cleaned documents into the folders of their splits, with the numbers of each."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pretrace.corpus.documents import Document, DocumentWriter
from pretrace.corpus.split import SPLITS
from pretrace.corpus.words import count_words, spaced_words

COUNTED_CHARACTERS = 8_000_000
"""Text whose words are counted at once."""
BLOCKS_WAITING = 2
"""So many such texts are in memory at the most."""


def divide(cleaned: Iterable[Document], out: Path, splits: Sequence[str | None]) -> tuple[dict[str, Any], Counter[str]]:
    """Write each document to `out/<split>/`; those without a split go nowhere.

    Returns the numbers by split and source with the histogram of lengths, and the words of the train split, counted.
    """
    counts = WordCounts()
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
            words = count_words(document.text)
            numbers = {"documents": 1, "words": words, "bytes": len(document.text.encode())}
            by_split[split].update(numbers)
            by_source[document.source][split].update(numbers)
            lengths[words.bit_length()] += 1
            if split == "train":
                counts.add(document.text)
    sources = {source: {split: dict(n) for split, n in parts.items()} for source, parts in sorted(by_source.items())}
    return {
        "splits": {split: dict(numbers) for split, numbers in by_split.items()},
        "sources": sources,
        "lengths": _histogram(lengths),
    }, counts.total()


class WordCounts:
    """Counts the words of cleaned texts, many texts at a time: Arrow is quick at finding the distinct ones.

    That is done by a thread, beside the reading and writing of documents.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._thread = ThreadPoolExecutor(1)
        self._waiting: deque[Future[dict[str, int]]] = deque()
        self._texts: list[str] = []
        self._characters = 0

    def add(self, text: str) -> None:
        self._texts.append(text)
        self._characters += len(text)
        if self._characters >= COUNTED_CHARACTERS:
            self._waiting.append(self._thread.submit(_count_words, self._texts))
            self._texts, self._characters = [], 0
        if len(self._waiting) > BLOCKS_WAITING:
            self._counts.update(self._waiting.popleft().result())

    def total(self) -> Counter[str]:
        """The words of all texts; nothing is added after this."""
        for block in self._waiting:
            self._counts.update(block.result())
        self._counts.update(_count_words(self._texts))
        self._thread.shutdown()
        return self._counts


def _count_words(texts: list[str]) -> dict[str, int]:
    if not texts:
        return {}
    counted = spaced_words(" ".join(texts).replace("\n", " ")).value_counts()
    words, numbers = counted.field("values").to_pylist(), counted.field("counts").to_pylist()
    return dict(zip([word[:-1] for word in words], numbers, strict=True))


def _histogram(lengths: Counter[int]) -> list[dict[str, int]]:
    """Documents by their number of words, each bin twice as wide as the one before, without gaps."""
    bins = range(min(lengths), max(lengths) + 1)
    return [{"from": 1 << (bits - 1), "below": 1 << bits, "documents": lengths[bits]} for bits in bins]
