"""Copies of a text, told from the first by its checksum."""

from __future__ import annotations

import hashlib

from pretrace.corpus.filters.base import CleanedDocument, Reason
from pretrace.corpus.filters.exact_duplicates import ExactDuplicateFilter


def document(name: str, text: str) -> CleanedDocument:
    return CleanedDocument(name, "source", text, text, len(text), 1, digest=hashlib.sha256(text.encode()).digest())


def test_exact_duplicates_drop_all_but_the_first() -> None:
    is_duplicate = ExactDuplicateFilter()
    texts = ["one", "two", "one", "three", "one"]
    reasons = [is_duplicate(document(str(number), text)) for number, text in enumerate(texts)]
    copy = Reason("repeated", 1.0, "source: 0")
    assert reasons == [None, None, copy, None, copy]
