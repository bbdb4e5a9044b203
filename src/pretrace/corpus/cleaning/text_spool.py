"""Spool of text on disk: workers write it, and it is read back by byte ranges.

A file of the spool has the texts of one batch, in UTF-8, end to end: each raw, then prepared.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pretrace.corpus.cleaning.document_steps import PreparedDocument
from pretrace.corpus.cleaning.input_spans import BATCH_BYTES
from pretrace.corpus.cleaning.split import KeptDocument
from pretrace.corpus.cleaning.within_spans import SpanNotes
from pretrace.corpus.documents import Document, in_batches
from pretrace.corpus.filters.base import BEGINNING, ByteRange, CleanedDocument

MOST_UTF8 = 4
"""Bytes of a character in UTF-8."""


class TextSpool:
    """The texts in a folder, read by their byte ranges."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def note(self, file: int) -> Path:
        """Return where a worker notes how far it is with a file."""
        return self._folder / f"{file:07d}.note"

    def path(self, file: int) -> Path:
        return self._folder / f"{file:07d}.txt"

    def read(self, ranges: Iterable[ByteRange]) -> Iterator[bytes]:
        """Yield the UTF-8 bytes of texts; successive ranges of one file are read without opening it again."""
        stream, opened = None, None
        try:
            for texts in ranges:
                if stream is None or opened != texts.file:
                    if stream:
                        stream.close()
                    stream, opened = self.path(texts.file).open("rb"), texts.file
                stream.seek(texts.start)
                yield stream.read(texts.bytes)
        finally:
            if stream:
                stream.close()

    def beginning(self, document: CleanedDocument) -> str:
        """Return the first characters of a document's raw text."""
        assert document.range
        file, start, size = document.range
        (text,) = self.read([ByteRange(file, start, min(size, MOST_UTF8 * BEGINNING))])
        return text.decode(errors="ignore")[:BEGINNING]


class DocumentBatch(Protocol):
    """Documents that a worker can read, with the number of their file in the spool."""

    @property
    def number(self) -> int: ...

    def read(self) -> Iterator[list[Document]]:
        """Yield a few documents at a time."""


@dataclass(frozen=True, slots=True)
class SpooledBatch:
    """The documents of a file of the spool, to be cleaned further."""

    number: int
    spool: TextSpool
    names: list[tuple[str, str]] = field(default_factory=list)
    """By document: id and source."""
    ranges: list[ByteRange] = field(default_factory=list)
    """By document two: of its raw text and of the prepared one."""

    def read(self) -> Iterator[list[Document]]:
        texts = map(bytes.decode, self.spool.read(self.ranges))
        pairs = zip(texts, texts, strict=True)
        documents = (PreparedDocument(*name, *pair) for name, pair in zip(self.names, pairs, strict=True))
        yield from in_batches(documents, BATCH_BYTES)


class CleanToSpool:
    """The function of a worker: read a batch, apply the steps, and move the texts that stay to the spool."""

    def __init__(self, apply: Callable[[list[Document]], list[CleanedDocument]], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._apply, self._spool = apply, TextSpool(folder)

    def __call__(self, batch: DocumentBatch) -> list[CleanedDocument]:
        """Return the documents without their text, and with its byte range."""
        cleaned: list[CleanedDocument] = []
        start = 0
        with self._spool.path(batch.number).open("wb") as stream, SpanNotes(self._spool.note(batch.number)) as notes:
            for documents in batch.read():
                for document in self._apply(documents):
                    raw, prepared = (
                        b"" if document.reason else text.encode() for text in (document.text, document.prepared)
                    )
                    stream.write(raw + prepared)
                    if not document.reason and not document.cuts:
                        document.beginning = ""
                    document.text, document.range = "", ByteRange(batch.number, start, len(raw))
                    start += len(raw)
                    document.prepared, document.prepared_range = "", ByteRange(batch.number, start, len(prepared))
                    start += len(prepared)
                    cleaned.append(document)
                    notes.add(document.bytes_in)
        return cleaned


class KeptDocuments:
    """The documents that are kept, by number: what is known of each, and where its text lies."""

    def __init__(self, spool: TextSpool) -> None:
        self.spool = spool
        self.documents: list[KeptDocument] = []
        self.evaluation_rows: dict[int, list[tuple[str, str]]] = {}
        """Task and row of the evaluation texts with which a document shares words, by its number."""
        self.evaluation_ngrams: dict[int, list[tuple[int, int]]] = {}
        """The n-grams that it shares with them, if they are counted."""
        self._ranges = array("Q")  # four numbers per document, as there can be millions

    def add(self, document: CleanedDocument) -> None:
        assert document.range and document.prepared_range
        if document.evaluation_rows:
            self.evaluation_rows[len(self.documents)] = document.evaluation_rows
        if document.evaluation_ngrams:
            self.evaluation_ngrams[len(self.documents)] = document.evaluation_ngrams
        self.documents.append(KeptDocument(document.id, document.source, document.words))
        self._ranges.extend((*document.range, document.prepared_range.bytes))

    def range(self, number: int) -> ByteRange:
        """Return where a document's raw text lies."""
        return ByteRange(*self._ranges[4 * number : 4 * number + 3])

    def prepared_range(self, number: int) -> ByteRange:
        """Return where its prepared text lies."""
        file, start, size, prepared = self._ranges[4 * number : 4 * number + 4]
        return ByteRange(file, start + size, prepared)

    def prepared_texts(self) -> Iterator[str]:
        """Yield all prepared texts, in order."""
        ranges = map(self.prepared_range, range(len(self.documents)))
        return map(bytes.decode, self.spool.read(ranges))

    def text(self, number: int) -> str:
        """Return a document's raw text."""
        return next(self.spool.read([self.range(number)])).decode()
