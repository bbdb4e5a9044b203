"""Steps that are no filters, and the function of a worker that applies all steps to a batch of documents."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pretrace.corpus.cleaning.within_spans import note_within
from pretrace.corpus.documents import Document
from pretrace.corpus.filters.base import BEGINNING, BatchStep, CleanedDocument, Reason, Step
from pretrace.corpus.filters.minhash import band_hashes, band_rows, signatures
from pretrace.corpus.text.count_words import count_raw_words_of
from pretrace.corpus.text.recipe import Gpt1Words

if TYPE_CHECKING:
    from pretrace.settings import NearDuplicateRules


@dataclass(frozen=True, slots=True)
class PreparedDocument(Document):
    """A document whose text an earlier pass has prepared."""

    prepared: str


class PrepareText(BatchStep):
    """Makes GPT-1's words, by which documents are measured and compared whatever reads them; drops empty documents."""

    def __init__(self, recipe: Gpt1Words) -> None:
        self._recipe = recipe

    def of_batch(self, documents: list[CleanedDocument]) -> list[Reason | None]:
        texts = [document.text for document in documents]
        bytes_a_character = sum(document.bytes_in for document in documents) / max(1, sum(map(len, texts)))
        all_prepared = self._recipe.many(texts, lambda done: note_within(int(done * bytes_a_character)))
        for document, prepared in zip(documents, all_prepared, strict=True):
            document.view = None  # the raw text's words, which take memory
            document.prepared = prepared
        return [None if document.prepared else Reason("empty", 0) for document in documents]


class Measure(BatchStep):
    """Measures the prepared text: what splits and duplicate filters need to know of it."""

    def __init__(self, near_duplicates: NearDuplicateRules | None) -> None:
        self._near_duplicates = near_duplicates

    def of_batch(self, documents: list[CleanedDocument]) -> list[Reason | None]:
        all_words = count_raw_words_of([document.prepared for document in documents])
        for document, words in zip(documents, all_words, strict=True):
            document.words = words
            document.digest = hashlib.sha256(document.prepared.encode()).digest()
        if rules := self._near_duplicates:
            found = signatures([document.prepared for document in documents], rules.shingle_words)
            for document, bands in zip(documents, band_hashes(found, band_rows(rules.threshold)), strict=True):
                document.bands = bands.tobytes()
        return [None] * len(documents)


@dataclass(frozen=True)
class ApplySteps:
    """Applies the steps to the documents in turn; one that a step drops does not get to the next."""

    steps: Sequence[Step]

    def __call__(self, documents: list[Document]) -> list[CleanedDocument]:
        words = count_raw_words_of([document.text for document in documents])
        cleaned = list(map(_begin, documents, words))
        kept = cleaned
        for step in self.steps:
            reasons = step.of_batch(kept) if isinstance(step, BatchStep) else map(step, kept)
            for document, reason in zip(kept, reasons, strict=True):
                document.reason = reason
            kept = [document for document in kept if not document.reason]
            if not kept:
                break
        for document in cleaned:
            document.view = None
        return cleaned


def _begin(document: Document, words: int) -> CleanedDocument:
    text = document.text
    cleaned = CleanedDocument(document.id, document.source, text, text[:BEGINNING], len(text.encode()), words)
    if isinstance(document, PreparedDocument):
        cleaned.prepared = document.prepared
    return cleaned
