"""Encoding of documents, in order, to a folder of token ids for each part of the text.

A part's folder is named after its inputs (the text's checksum, the vocabulary, the code), and is whole or absent, so an
interrupted run resumes with the parts that are encoded. A folder that was damaged since is made again.
"""

from __future__ import annotations

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
from pretrace.corpus.documents import (
    Document,
    bytes_of_documents,
    count_documents,
    in_batches,
    read_documents,
    text_sizes,
)
from pretrace.corpus.parallel import map_in_order
from pretrace.corpus.text.count_words import count_raw_words
from pretrace.corpus.text.prepared_text import PreparedText
from pretrace.settings import Workers
from pretrace.tokens import Vocabulary
from pretrace.tokens.shards.format import document_rank
from pretrace.tokens.word_cache import id_type

IDS, INDEX = "ids.bin", "index.json"
BATCH_CHARACTERS = 2_000_000
"""Characters that are encoded at once: the more, the fewer words are looked up."""
PRELOAD = ("pretrace.tokens.shards", "pyarrow.compute", "sentencepiece")
WORKERS_FROM_BYTES = 16 << 20
"""Bytes of Parquet below which this process encodes alone: workers would take longer to start."""


@dataclass
class PartIndex:
    """Index and totals of an encoded part."""

    ranks: list[str] = field(default_factory=list)
    """By document: its rank among all documents (`document_rank`)."""
    starts: list[int] = field(default_factory=lambda: [0])
    """By document: the position of its first token; and the end of the last."""
    words: int = 0
    bytes: int = 0
    """UTF-8 bytes of the raw text, with one line end per document."""


class EncodedPart:
    """The token ids of one part's documents, in a file from which one document is read at a time."""

    def __init__(self, folder: Path, dtype: np.dtype) -> None:
        self.folder, self.type = folder, dtype
        self.index = PartIndex(**read_json(folder / INDEX))

    def ids(self, number: int) -> np.ndarray:
        """Return the ids of a document: shape (tokens,)."""
        start, end = self.index.starts[number : number + 2]
        return np.fromfile(self.folder / IDS, self.type, end - start, offset=start * self.type.itemsize)

    def delete(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def encode_parts(
    parts: list[Path], vocabulary: Vocabulary, scratch: Path, prepared: PreparedText
) -> dict[Path, EncodedPart]:
    """Encode the parts of the raw documents that are not yet in the folder `scratch`, and return all.

    Raises:
        PretraceError: a part is damaged.
    """
    dtype = id_type(vocabulary.size)
    recipe = vocabulary.recipe.key if vocabulary.recipe else None
    inputs = [vocabulary.fingerprint, recipe, dtype.str, code_hash(__name__)]
    folders = {part: scratch / f"{sha256_of_json([*inputs, sha256_of_file(part)])}" for part in parts}
    missing = [part for part in parts if not checksums_match(folders[part])]
    encoded = _encode(list(prepared.parts(missing).values()), vocabulary, prepared.workers)
    for part in missing:
        _write(folders[part], islice(encoded, count_documents(part)), text_sizes(part))
    return {part: EncodedPart(folder, dtype) for part, folder in folders.items()}


def _encode(
    parts: list[Path], vocabulary: Vocabulary, workers: Workers | None
) -> Iterator[tuple[Document, EncodedDocument]]:
    """Yield each document of the parts, which are prepared, with its ids."""
    if sum(part.stat().st_size for part in parts) < WORKERS_FROM_BYTES:
        workers = None
    batches = (batch for part in parts for batch in in_batches(read_documents(part), BATCH_CHARACTERS))
    with progress(total=sum(map(bytes_of_documents, parts)), unit="B", description="shard") as bar:
        for documents, encoded in map_in_order(EncodeBatch(vocabulary), batches, workers, PRELOAD):
            yield from zip(documents, encoded, strict=True)
            bar.update(sum(len(document.text) for document in documents))


def _write(folder: Path, encoded: Iterable[tuple[Document, EncodedDocument]], sizes: list[int]) -> None:
    index = PartIndex()
    with atomic_folder(folder) as temporary:
        with (temporary / IDS).open("wb") as stream:
            for (document, tokens), size in zip(encoded, sizes, strict=True):
                stream.write(tokens.ids.tobytes())  # `tofile` would not say what is wrong with the disk
                index.ranks.append(document_rank(document.source, document.id))
                index.starts.append(index.starts[-1] + len(tokens.ids))
                index.words += tokens.words
                index.bytes += size + 1
        write_json(temporary / INDEX, asdict(index))
        write_checksums(temporary)


@dataclass(frozen=True, slots=True)
class EncodedDocument:
    """The token ids of a document, with the measures of its text."""

    ids: np.ndarray
    """With the end of a document after them (`Vocabulary.document_end_id`)."""
    words: int


class EncodeBatch:
    """The function of a worker: encode a batch of prepared documents."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def __call__(self, batch: list[Document]) -> list[EncodedDocument]:
        texts = [document.text for document in batch]
        encoded = zip(self._vocabulary.encode_arrays(texts), texts, strict=True)
        return [EncodedDocument(self._with_end(ids), count_raw_words(text)) for ids, text in encoded]

    def _with_end(self, ids: np.ndarray) -> np.ndarray:
        end = self._vocabulary.document_end_id
        return ids if ids[-1:] == [end] else np.append(ids, ids.dtype.type(end))
