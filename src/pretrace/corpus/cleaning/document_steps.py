"""Steps that are no filters, and the function of a worker that applies all steps to a batch of documents."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pretrace.corpus.cleaning.within_spans import note_within
from pretrace.corpus.documents import Document
from pretrace.corpus.filters.base import BEGINNING, CleanedDocument, Reason, Step
from pretrace.corpus.filters.near_duplicates import signature
from pretrace.corpus.text.clean import clean_text
from pretrace.corpus.text.count_words import count_raw_words, count_words

if TYPE_CHECKING:
    from pretrace.settings import NearDuplicateRules


class CleanText:
    """GPT-1's recipe: repair Unicode, standardize signs and spaces, tokenize, lower-case; drops empty documents."""

    def __call__(self, document: CleanedDocument) -> Reason | None:
        document.view = None  # the raw text's words, which take memory
        bytes_a_character = document.bytes_in / max(1, len(document.text))
        document.text = clean_text(document.text, lambda done: note_within(int(done * bytes_a_character)))
        return None if document.text else Reason("empty", 0)


class Measure:
    """Measures the cleaned text: what splits and duplicate filters need to know of it."""

    def __init__(self, near_duplicates: NearDuplicateRules | None) -> None:
        self._near_duplicates = near_duplicates

    def __call__(self, document: CleanedDocument) -> Reason | None:
        document.words = count_words(document.text)
        document.digest = hashlib.sha256(document.text.encode()).digest()
        if self._near_duplicates:
            document.signature = signature(document.text, self._near_duplicates.shingle_words)
        return None


@dataclass(frozen=True)
class ApplySteps:
    """Applies the steps to each document in turn, until one drops it."""

    steps: Sequence[Step]

    def __call__(self, documents: list[Document]) -> list[CleanedDocument]:
        return [self._apply(document) for document in documents]

    def _apply(self, document: Document) -> CleanedDocument:
        text = document.text
        size, words = len(text.encode()), count_raw_words(text)
        cleaned = CleanedDocument(document.id, document.source, text, text[:BEGINNING], size, words)
        for step in self.steps:
            cleaned.reason = step(cleaned)
            if cleaned.reason:
                break
        cleaned.view = None
        return cleaned
