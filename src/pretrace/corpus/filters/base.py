"""The contract of a filter: called with a document, it returns the reason to drop it, or None if the document stays.

To add one, write a class with this signature in a module of this folder, and give it an entry in `document_steps`
(pretrace.corpus.cleaning.run).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import compress
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from pretrace.corpus.text.raw_lines import without_lines
from pretrace.corpus.text.recipe import Recipe

Rules = TypeVar("Rules")
DECIMALS = 6
"""Of a value in a report; filters compare the exact number."""
BEGINNING = 300
"""Characters of a text that are kept to show what was dropped."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a document was dropped, or lost lines."""

    rule: str
    """The setting under `corpus.quality` that decided, such as "length.least_words"; or "empty", "repeated"."""
    value: float
    """The measured number or share."""
    detail: str = ""
    """More for a reader, such as the document that is repeated."""


class ByteRange(NamedTuple):
    """Where a text lies in a spool (pretrace.corpus.cleaning.text_spool)."""

    file: int
    start: int
    bytes: int


@dataclass(slots=True)
class CleanedDocument:
    """A document on its way from data/documents to data/clean, as the steps so far have left it."""

    id: str
    source: str
    text: str
    """The raw text, which is what is kept."""
    beginning: str
    """The first characters of the text as it was read; empty once the same text is spooled."""
    bytes_in: int
    """UTF-8 bytes of the text as it was read."""
    words_in: int
    prepared: str = ""
    """The text as GPT-1's recipe gives it, by which documents are measured and compared."""
    reason: Reason | None = None
    """Why it is dropped."""
    cuts: list[tuple[Reason, list[str]]] = field(default_factory=list)
    """Lines that were cut, with the reason."""
    evaluation_rows: list[tuple[str, str]] = field(default_factory=list)
    """Task and row of the evaluation texts with which it shares words."""
    evaluation_ngrams: list[tuple[int, int]] = field(default_factory=list)
    """The n-grams that it shares with them, if they are counted (`contamination.Ngram`)."""
    score: float | None = None
    """Score of the quality classifier, if it was applied."""
    words: int = 0
    digest: bytes = b""
    """SHA-256 of the prepared text."""
    bands: bytes = b""
    """Bands of its MinHash signature (`minhash.band_hashes`): uint64."""
    line_hashes: np.ndarray | None = None
    """Lines to count in the whole corpus (`boilerplate.hash_lines`)."""
    range: ByteRange | None = None
    """Where the raw text was spooled; `text` is empty from then on."""
    prepared_range: ByteRange | None = None
    """The same for the prepared text."""
    view: TextView | None = None
    """Words and lines of `text`, for the filters of raw text."""

    def cut(self, reason: Reason, is_cut: Sequence[bool], recipe: Recipe) -> Reason | None:
        """Cut lines of the prepared text, and the raw lines that they are from.

        A document of which nothing is left is dropped for that reason.
        """
        if not any(is_cut):
            return None
        lines = list(compress(self.prepared.split("\n"), is_cut))
        self.text = without_lines(self.text, is_cut)
        self.prepared = recipe(self.text)
        if not self.prepared:
            return reason
        self.cuts.append((reason, lines))
        return None


class DocumentStep(Protocol):
    """One step of cleaning: a filter, or one that changes or measures the document."""

    def __call__(self, document: CleanedDocument) -> Reason | None:
        """Return why the document is dropped, or None if it stays."""


class BatchStep(ABC):
    """A step that is faster for many documents at once."""

    @abstractmethod
    def of_batch(self, documents: list[CleanedDocument]) -> list[Reason | None]:
        """Return for each document, of one or more, why it is dropped, or None if it stays."""


Step = DocumentStep | BatchStep


class TextView:
    """A text's words and lines, split once for all filters that measure them."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def words(self) -> list[str]:
        return self.text.split()

    @cached_property
    def word_counts(self) -> Counter[str]:
        return Counter(self.words)

    @cached_property
    def lines(self) -> list[str]:
        """Lines that are not blank, without the white space around them."""
        return [line.strip() for line in self.text.splitlines() if line.strip()]


class RawTextFilter(ABC, Generic[Rules]):
    """A filter of the text as it was read: `broken_rules` measures it against the bounds in the settings."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    def __call__(self, document: CleanedDocument) -> Reason | None:
        view = document.view = document.view or TextView(document.text)
        if not view.words:
            return None  # counted as empty after cleaning, whatever the rules
        return next((Reason(rule, round(value, DECIMALS)) for rule, value in self.broken_rules(view)), None)

    @abstractmethod
    def broken_rules(self, text: TextView) -> Iterator[tuple[str, float]]:
        """Yield each rule that the text breaks, with the measured value, the cheap rules first."""


def too_small(rule: str, value: float, least: float | None) -> Iterator[tuple[str, float]]:
    """Yield the rule with the value, if there is a bound and the value is below it."""
    if least is not None and value < least:
        yield rule, value


def too_large(rule: str, value: float, most: float | None) -> Iterator[tuple[str, float]]:
    """Yield the rule with the value, if there is a bound and the value is above it."""
    if most is not None and value > most:
        yield rule, value
