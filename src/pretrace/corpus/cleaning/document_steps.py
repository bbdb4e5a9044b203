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
from pretrace.corpus.text.count_words import count_raw_words, count_words
from pretrace.corpus.text.recipe import Gpt1Words

if TYPE_CHECKING:
    from pretrace.settings import NearDuplicateRules


@dataclass(frozen=True, slots=True)
class PreparedDocument(Document):
    """A document whose text an earlier pass has prepared."""

    prepared: str


class PrepareText:
    """Makes GPT-1's words, by which documents are measured and compared whatever reads them; drops empty documents."""

    def __init__(self, recipe: Gpt1Words) -> None:
        self._recipe = recipe

    def __call__(self, document: CleanedDocument) -> Reason | None:
        document.view = None  # the raw text's words, which take memory
        bytes_a_character = document.bytes_in / max(1, len(document.text))
        document.prepared = self._recipe(document.text, lambda done: note_within(int(done * bytes_a_character)))
        return None if document.prepared else Reason("empty", 0)


class Measure:
    """Measures the prepared text: what splits and duplicate filters need to know of it."""

    def __init__(self, near_duplicates: NearDuplicateRules | None) -> None:
        self._near_duplicates = near_duplicates

    def __call__(self, document: CleanedDocument) -> Reason | None:
        document.words = count_words(document.prepared)
        document.digest = hashlib.sha256(document.prepared.encode()).digest()
        if self._near_duplicates:
            document.signature = signature(document.prepared, self._near_duplicates.shingle_words)
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
        if isinstance(document, PreparedDocument):
            cleaned.prepared = document.prepared
        for step in self.steps:
            cleaned.reason = step(cleaned)
            if cleaned.reason:
                break
        cleaned.view = None
        return cleaned
