"""The ids of cleaned documents in the order they come, a folder for each part of the text.

A part's folder is named after what it is made from (the text's checksum, the vocabulary, the code), and is whole or
absent, so a run that follows a killed one finds what is done; one that was damaged since is made again.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from pretrace.common.code import code_hash
from pretrace.common.files import (
    atomic_folder,
    checksums_match,
    read_json,
    sha256_of_file,
    sha256_of_json,
    write_checksums,
    write_json,
)
from pretrace.common.progress import progress
from pretrace.corpus.documents import Document, bytes_of_documents, count_documents, in_batches, read_documents
from pretrace.corpus.parallel import map_in_order
from pretrace.corpus.text.count_words import count_words
from pretrace.settings import Workers
from pretrace.tokens import Vocabulary
from pretrace.tokens.word_cache import id_type

IDS, NUMBERS = "ids.bin", "numbers.json"
BATCH_CHARACTERS = 2_000_000
"""Text that is encoded at once: the more, the fewer words are looked up."""
PRELOAD = ("pretrace.tokens.shards", "pyarrow.compute", "sentencepiece")
LEAST_FOR_WORKERS = 16 << 20
"""Bytes of Parquet below which this process encodes alone: others take longer to start."""


@dataclass
class Numbers:
    """What is known of a part besides its ids."""

    ranks: list[str] = field(default_factory=list)
    """By document: what orders it among all, lower-case hex."""
    starts: list[int] = field(default_factory=lambda: [0])
    """By document: where its ids begin; and where the last ends."""
    words: int = 0
    bytes: int = 0
    """UTF-8 bytes of the text, with one line end a document."""


class EncodedPart:
    """The ids of one part's documents: in a file, from which a document is read at a time."""

    def __init__(self, folder: Path, dtype: np.dtype) -> None:
        self.folder, self.type = folder, dtype
        self.numbers = Numbers(**read_json(folder / NUMBERS))

    def ids(self, number: int) -> np.ndarray:
        """The ids of a document: shape (tokens,)."""
        start, end = self.numbers.starts[number : number + 2]
        return np.fromfile(self.folder / IDS, self.type, end - start, offset=start * self.type.itemsize)

    def delete(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def encode_parts(
    parts: list[Path], vocabulary: Vocabulary, scratch: Path, workers: Workers | None
) -> dict[Path, EncodedPart]:
    """Encode each part of the documents into the folder `scratch`, but for those that are there.

    Raises:
        PretraceError: a part is damaged.
    """
    dtype = id_type(vocabulary.size)
    made_by = [vocabulary.fingerprint, dtype.str, code_hash(__name__)]
    places = {part: scratch / f"{sha256_of_json([*made_by, sha256_of_file(part)])}" for part in parts}
    missing = [part for part in parts if not checksums_match(places[part])]
    encoded = _encoded(missing, vocabulary, workers)
    for part in missing:
        _write(places[part], islice(encoded, count_documents(part)))
    return {part: EncodedPart(folder, dtype) for part, folder in places.items()}


def _encoded(parts: list[Path], vocabulary: Vocabulary, workers: Workers | None) -> Iterator[tuple[Document, Encoded]]:
    """Each document of the parts with its ids."""
    if sum(part.stat().st_size for part in parts) < LEAST_FOR_WORKERS:
        workers = None
    batches = (batch for part in parts for batch in in_batches(read_documents(part), BATCH_CHARACTERS))
    with progress(total=sum(map(bytes_of_documents, parts)), unit="B", description="shard") as bar:
        for documents, found in map_in_order(EncodeBatch(vocabulary), batches, workers, PRELOAD):
            yield from zip(documents, found, strict=True)
            bar.update(sum(len(document.text) for document in documents))


def _write(folder: Path, encoded: Iterable[tuple[Document, Encoded]]) -> None:
    numbers = Numbers()
    with atomic_folder(folder) as temporary:
        with (temporary / IDS).open("wb") as stream:
            for document, found in encoded:
                stream.write(found.ids.tobytes())  # `tofile` would not say what is wrong with the disk
                numbers.ranks.append(document_rank(document.source, document.id))
                numbers.starts.append(numbers.starts[-1] + len(found.ids))
                numbers.words += found.words
                numbers.bytes += found.bytes
        write_json(temporary / NUMBERS, asdict(numbers))
        write_checksums(temporary)


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a worker makes of a document."""

    ids: np.ndarray
    """With a line end behind them."""
    words: int
    bytes: int
    """UTF-8 bytes of the text, with its line end."""


class EncodeBatch:
    """What a worker does with some documents."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def __call__(self, batch: list[Document]) -> list[Encoded]:
        texts = [document.text for document in batch]
        found = zip(self._vocabulary.encode_arrays(texts), texts, strict=True)
        return [Encoded(self._with_line_end(ids), count_words(t), len(t.encode()) + 1) for ids, t in found]

    def _with_line_end(self, ids: np.ndarray) -> np.ndarray:
        newline = self._vocabulary.newline_id
        return ids if ids[-1:] == [newline] else np.append(ids, ids.dtype.type(newline))


def document_rank(source: str, name: str) -> str:
    """What orders a document among all: nothing to do with its name or source, and the same wherever it stands."""
    return hashlib.sha256(f"{source}\0{name}".encode()).hexdigest()
