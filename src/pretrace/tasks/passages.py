"""Passages of the probe documents: runs of words, and sentences.

The documents are those that pre-training has not seen. They are divided once more, by document, into those for the
train, dev and test rows, so no row's text is near another split's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

SPLIT_SHARES = {"train": 0.60, "dev": 0.12, "test": 0.28}
"""Of the probe documents' words (ours)."""
FEW_DOCUMENTS = 6
SENTENCE_ENDS = frozenset(".?!")


@dataclass(frozen=True)
class Text:
    """A probe document as words; line ends are gone, `sentence_starts` are the places where sentences begin."""

    id: str
    source: str
    words: tuple[str, ...]
    sentence_starts: tuple[int, ...]

    def sentences(self) -> list[tuple[str, ...]]:
        """Return the document's sentences, in order."""
        return [self.words[start:end] for start, end in pairwise((*self.sentence_starts, len(self.words)))]


def read_text(document: Any) -> Text:
    """Return a cleaned document (`id`, `source`, `text`) as words and sentences."""
    words: list[str] = []
    starts: list[int] = []
    for line in document.text.split("\n"):
        begins = True
        for word in line.split():
            if begins:
                starts.append(len(words))
            words.append(word)
            begins = word in SENTENCE_ENDS
    return Text(document.id, document.source, tuple(words), tuple(starts))


def divide(texts: Iterable[Text]) -> dict[str, list[Text]]:
    """Divide probe documents into train, dev and test: each source by the same shares of words, largest first.

    A document goes where most words of its source's share are still missing. Sources of few documents are divided
    together, as one of a single document has no shares. A pure function of the documents' names and sizes.
    """
    by_source: dict[str, list[Text]] = {}
    for text in texts:
        by_source.setdefault(text.source, []).append(text)
    pools: dict[str, list[Text]] = {}
    for name in sorted(by_source):
        pools.setdefault(name if len(by_source[name]) >= FEW_DOCUMENTS else "", []).extend(by_source[name])
    divided: dict[str, list[Text]] = {split: [] for split in SPLIT_SHARES}
    for members in pools.values():
        missing = {split: share * sum(len(text.words) for text in members) for split, share in SPLIT_SHARES.items()}
        for text in sorted(members, key=lambda text: (-len(text.words), _hash(f"{text.source}\0{text.id}"))):
            split = max(missing, key=lambda name: missing[name])
            divided[split].append(text)
            missing[split] -= len(text.words)
    return divided


def generator_for(*names: str) -> np.random.Generator:
    """Return a random generator that is a pure function of names, such as a probe's and a split's."""
    return np.random.Generator(np.random.Philox(key=int(_hash("\0".join(names))[:16], 16)))


def chunks(text: Text, length: int) -> list[tuple[str, ...]]:
    """Return the document in consecutive runs of exactly `length` words; the rest at the end is left out."""
    return [text.words[i : i + length] for i in range(0, len(text.words) - length + 1, length)]


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
