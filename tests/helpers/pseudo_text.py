"""Random text with what probes need: sources with a wording, documents with a subject, and repeated beginnings.

A document's words come from three word lists: words of the language, of its source, and of the document itself. Some
documents of different sources begin with the same paragraphs, as licenses and templates do in real corpora.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from pretrace.corpus import Document
from pretrace.settings import ProbeSettings
from pretrace.tasks.probes.texts import Text, read_text

SOURCES = ("alder", "birch", "cedar", "doum", "elm", "fir")
DOCUMENTS_PER_SOURCE = 14
SENTENCES = 90
FUNCTION_WORDS = (
    *("the", "a", "is", "are", "was", "it", "they", "this", "these", "has", "have", "does", "do"),
    *("of", "in", "to", "and", "with", "for", "on", "by", "as", "that"),
)
SYLLABLES = [c + v for c in "bdfgklmnprst" for v in "aeiou"]


def probe_sizes(train: int, dev: int, test: int) -> ProbeSettings:
    """Sizes of probes that these documents have room for, with so many rows."""
    return ProbeSettings(
        rows={"default": train},
        dev_rows=dev,
        test_rows=test,
        passage_words=30,
        pair_words=12,
        context_words=12,
        continuation_words=8,
        words_per_change=3,
    )


@cache
def documents(repeated: bool = True) -> tuple[Document, ...]:
    """The corpus, about 120,000 words; the same each time."""
    random = np.random.default_rng(0)
    shared = _words(random, 1500)
    template = "\n".join(_sentence(random, FUNCTION_WORDS, shared, shared, shared) for _ in range(8))
    corpus = []
    for source in SOURCES:
        own = _words(random, 60)
        for number in range(DOCUMENTS_PER_SOURCE):
            subject = _words(random, 15)
            lines = [_sentence(random, FUNCTION_WORDS, shared, own, subject) for _ in range(SENTENCES)]
            if repeated and number % 3 == 0:
                lines.insert(0, template)
            corpus.append(Document(f"{source}/{number:02d}", source, "\n".join(lines)))
    return tuple(corpus)


def _words(random: np.random.Generator, count: int) -> list[str]:
    return ["".join(random.choice(SYLLABLES, random.integers(2, 4))) for _ in range(count)]


def _sentence(random: np.random.Generator, *lists: Sequence[str]) -> str:
    chosen = random.choice(len(lists), random.integers(9, 25), p=(0.35, 0.3, 0.1, 0.25))
    words = [lists[i][random.integers(len(lists[i]))] for i in chosen]
    if len(words) > 12:
        words.insert(6, ",")
    return " ".join([*words, "."])


def as_text(document: Document) -> Text:
    """A document whose words are its text as it is."""
    return read_text(document, document.text)
