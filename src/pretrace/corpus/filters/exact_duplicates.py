"""Filter of documents whose words stood earlier in the corpus."""

from __future__ import annotations

from pretrace.corpus.filters.base import CleanedDocument, Reason


class ExactDuplicateFilter:
    """Drops all but the first of equal texts, compared by SHA-256; called in the order of the corpus."""

    def __init__(self) -> None:
        self._first: dict[bytes, tuple[str, str]] = {}

    def __call__(self, document: CleanedDocument) -> Reason | None:
        name = (document.source, document.id)
        first = self._first.setdefault(document.digest, name)
        return None if first is name else Reason("repeated", 1.0, ": ".join(first))
