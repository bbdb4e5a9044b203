"""The ids of cleaned documents in the order they come, a file for each part of the text.

A file is named after what it is made from (the text's checksum, the vocabulary, the code), and is whole or absent, so
a run that follows a killed one finds what is done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from pretrace.corpus.documents import document_parts, read_documents
from pretrace.files import atomic_path, read_json, sha256_of_code, sha256_of_file, sha256_of_json, write_json
from pretrace.progress import progress
from pretrace.vocabulary import Vocabulary
from pretrace.vocabulary.words import id_type


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

    def __init__(self, path: Path, dtype: np.dtype, numbers: Numbers) -> None:
        self.path, self.type, self.numbers = path, dtype, numbers

    def ids(self, number: int) -> np.ndarray:
        """The ids of a document: shape (tokens,)."""
        start, end = self.numbers.starts[number : number + 2]
        return np.fromfile(self.path, self.type, end - start, offset=start * self.type.itemsize)

    def delete(self) -> None:
        for path in (self.path, _numbers_of(self.path)):
            path.unlink(missing_ok=True)


def encode_parts(documents: Path, vocabulary: Vocabulary, scratch: Path, split: str) -> Iterator[EncodedPart]:
    """Encode each part of a folder of documents into `scratch`, but for those that are there.

    Raises:
        PretraceError: the folder has no documents, or a part is damaged.
    """
    made_by = [vocabulary.fingerprint, id_type(vocabulary.size).str, sha256_of_code("shards", "vocabulary")]
    for part in progress(document_parts(documents), unit="parts", description=f"shard {split}"):
        path = scratch / f"{sha256_of_json([*made_by, sha256_of_file(part)])}.bin"
        # The numbers are written last: where they are, the ids are whole.
        if not _numbers_of(path).exists():
            write_json(_numbers_of(path), asdict(_encode(part, vocabulary, path)))
        yield EncodedPart(path, id_type(vocabulary.size), Numbers(**read_json(_numbers_of(path))))


def _encode(part: Path, vocabulary: Vocabulary, out: Path) -> Numbers:
    numbers = Numbers()
    with atomic_path(out) as temporary, temporary.open("wb") as stream:
        for document in read_documents(part):
            ids = vocabulary.encode_array(document.text)
            if ids[-1:] != [vocabulary.newline_id]:
                ids = np.append(ids, ids.dtype.type(vocabulary.newline_id))
            stream.write(ids.tobytes())  # `tofile` would not say what is wrong with the disk
            numbers.ranks.append(document_rank(document.source, document.id))
            numbers.starts.append(numbers.starts[-1] + len(ids))
            numbers.words += len(document.text.split())
            numbers.bytes += len(document.text.encode()) + 1
    return numbers


def document_rank(source: str, name: str) -> str:
    """What orders a document among all: nothing to do with its name or source, and the same wherever it stands."""
    return hashlib.sha256(f"{source}\0{name}".encode()).hexdigest()


def _numbers_of(path: Path) -> Path:
    return path.with_suffix(".json")
