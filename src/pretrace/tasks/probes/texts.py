"""Passages of the probe documents: runs of words, and sentences.

The documents are those that pre-training has not seen. They are divided once more, by document, into those for the
train, dev and test rows, so no row's text is near another split's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from pretrace.corpus.documents import Document
from pretrace.corpus.text.word_spans import WordSpans
from pretrace.tasks.rows.draws import hash_name

SPLIT_SHARES = {"train": 0.60, "dev": 0.12, "test": 0.28}
"""Of the probe documents' words (ours)."""
FEW_DOCUMENTS = 6
SENTENCE_ENDS = frozenset(".?!")


class Word(str):
    """A word that knows its document and its place there; else a string like any other."""

    __slots__ = ("place", "text")
    text: Text
    place: int

    def __new__(cls, text: Text, place: int) -> Word:
        word = super().__new__(cls, text.words[place])
        word.text, word.place = text, place
        return word


@dataclass(frozen=True)
class Text:
    """A probe document as words; line ends are gone, `sentence_starts` are the places where sentences begin."""

    id: str
    source: str
    words: tuple[str, ...]
    sentence_starts: tuple[int, ...]
    spans: WordSpans = field(compare=False, repr=False)
    """Where the words stand in the raw text."""

    def run(self, start: int, length: int) -> tuple[Word, ...]:
        """Return successive words that know their places, also when they are put elsewhere."""
        return tuple([Word(self, place) for place in range(start, start + length)])

    def sentences(self) -> list[tuple[str, ...]]:
        """Return the document's sentences, in order; each begins at one of `sentence_starts`."""
        return [self.words[start:end] for start, end in pairwise((*self.sentence_starts, len(self.words)))]


def read_text(document: Document, raw: str) -> Text:
    """Return a prepared document as words and sentences; `raw` is the text that it was made from."""
    words: list[str] = []
    starts: list[int] = []
    line_starts = [0]
    for line in document.text.split("\n"):
        begins = True
        for word in line.split():
            if begins:
                starts.append(len(words))
            words.append(word)
            begins = word in SENTENCE_ENDS
        if len(words) > line_starts[-1]:
            line_starts.append(len(words))
    spans = WordSpans(raw, words, line_starts)
    return Text(document.id, document.source, tuple(words), tuple(starts), spans)


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
        for text in sorted(members, key=lambda text: (-len(text.words), hash_name(f"{text.source}\0{text.id}"))):
            split = max(missing, key=lambda name: missing[name])
            divided[split].append(text)
            missing[split] -= len(text.words)
    return divided


def chunks(text: Text, length: int) -> list[tuple[str, ...]]:
    """Return the document in consecutive runs of exactly `length` words; the rest at the end is left out."""
    return [text.words[i : i + length] for i in range(0, len(text.words) - length + 1, length)]
