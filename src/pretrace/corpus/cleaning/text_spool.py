"""Cleaned text on its way through the stage: workers write it to pieces, from which it is read by its place.

A piece has the texts of one span, in UTF-8, end to end; where each of them lies is known to the one who adds up.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from pretrace.common.progress import progress
from pretrace.corpus.cleaning.document_steps import Result
from pretrace.corpus.cleaning.input_spans import BATCH_BYTES
from pretrace.corpus.cleaning.rejects import BEGINNING
from pretrace.corpus.cleaning.split import Entry
from pretrace.corpus.documents import Document, in_batches
from pretrace.corpus.parallel import map_in_order

if TYPE_CHECKING:
    from pretrace.settings import Workers

PRELOAD = ("pretrace.corpus.cleaning.preload",)


class Place(NamedTuple):
    """Where a text lies."""

    piece: int
    start: int
    bytes: int


class Batch(Protocol):
    """Documents that a worker can read."""

    @property
    def number(self) -> int: ...

    def read(self) -> Iterator[list[Document]]:
        """A few at a time."""


class Pieces:
    """Texts in a folder, by their place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def path(self, piece: int) -> Path:
        return self._folder / f"{piece:07d}.txt"

    def raw(self, places: Iterable[Place]) -> Iterator[bytes]:
        """The UTF-8 bytes of texts. Those of a piece that come one after the other are read from one open file."""
        stream: BinaryIO | None = None
        is_open = None
        try:
            for place in places:
                if stream is None or is_open != place.piece:
                    if stream:
                        stream.close()
                    stream, is_open = self.path(place.piece).open("rb"), place.piece
                stream.seek(place.start)
                yield stream.read(place.bytes)
        finally:
            if stream:
                stream.close()


@dataclass(frozen=True, slots=True)
class PieceOfDocuments:
    """The documents of a piece, to be worked on once more."""

    number: int
    pieces: Pieces
    names: list[tuple[str, str]]
    """By document: id and source."""
    places: list[Place]

    def read(self) -> Iterator[list[Document]]:
        texts = map(bytes.decode, self.pieces.raw(self.places))
        documents = (Document(*name, text) for name, text in zip(self.names, texts, strict=True))
        yield from in_batches(documents, BATCH_BYTES)


Worked = tuple[Document, Result, Place]
"""A document with no more than the beginning of its text; the result without its text; where that lies."""


class IntoPieces:
    """What a worker does: reads its documents, works on them, and writes what is left of their text to a piece."""

    def __init__(self, work: Callable[[list[Document]], list[Result]], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.work, self.pieces = work, Pieces(folder)

    def __call__(self, batch: Batch) -> list[Worked]:
        worked: list[Worked] = []
        start = 0
        with self.pieces.path(batch.number).open("wb") as stream:
            for document, result in self._results(batch):
                raw = b"" if result.verdict else result.text.encode()
                stream.write(raw)
                beginning = replace(document, text=document.text[:BEGINNING])
                worked.append((beginning, replace(result, text=""), Place(batch.number, start, len(raw))))
                start += len(raw)
        return worked

    def _results(self, batch: Batch) -> Iterator[tuple[Document, Result]]:
        for documents in batch.read():
            yield from zip(documents, self.work(documents), strict=True)


def work_on(
    batches: Iterable[Batch], into: IntoPieces, workers: Workers | None, description: str, size: int
) -> Iterator[Worked]:
    """Each document of the batches after the work, in order, whoever does it; `size` is about the bytes of all."""
    with progress(total=size, unit="B", description=description) as bar:
        for _, worked in map_in_order(into, batches, workers, PRELOAD):
            for document, result, place in worked:
                bar.update(result.bytes_in)
                yield document, result, place


class Staying:
    """The documents that stay, by their number: what is known of each, and where its text lies."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces
        self.entries: list[Entry] = []
        self._places = array("Q")  # three numbers a document, as there can be millions

    def add(self, entry: Entry, place: Place) -> None:
        self.entries.append(entry)
        self._places.extend(place)

    def place(self, number: int) -> Place:
        return Place(*self._places[3 * number : 3 * number + 3])

    def texts(self) -> Iterator[str]:
        """All texts, in order."""
        places = map(self.place, range(len(self.entries)))
        return map(bytes.decode, self.pieces.raw(places))

    def document(self, number: int) -> Document:
        entry = self.entries[number]
        return Document(entry.id, entry.source, next(self.pieces.raw([self.place(number)])).decode())
