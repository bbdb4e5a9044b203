"""Cleaned documents to one stream of token ids a split, in checksummed files.

    train-00000.bin ...      ids, little-endian uint16, at most 50 million a file
    train-documents.bin      where each document begins in the stream, little-endian uint64, and the stream's length
    manifest.json            checksums and totals

Documents stand in an order that has nothing to do with their names or sources, so that neighbours in the stream are
strangers and the first part of it is like the whole. Each ends with the id of the line end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.corpus.documents import read_documents
from pretrace.errors import PretraceError
from pretrace.files import atomic_folder, sha256_of_file, write_json
from pretrace.progress import progress
from pretrace.vocabulary import Vocabulary

TOKENS_PER_FILE = 50_000_000
ID = np.dtype("<u2")
OFFSET = np.dtype("<u8")
SPLITS = ("train", "validation")
MANIFEST = "manifest.json"


def write_shards(clean: Path, vocabulary: Vocabulary, out: Path) -> dict[str, Any]:
    """Encode `clean/train` and `clean/validation` (from `clean_documents`) into the folder `out`.

    Returns:
        The manifest, which is also written. For a split: `tokens`, `words`, `documents`, and `bytes`: the UTF-8 bytes
        of the clean text with one line end a document, which is what bits per byte is a share of.

    Raises:
        PretraceError: the vocabulary has more ids than two bytes can tell apart, or the documents are missing.
    """
    if vocabulary.size > 1 << 16:
        raise PretraceError(
            f"vocabulary of {vocabulary.size} pieces: shards hold ids of two bytes, {1 << 16} at the most"
        )
    with atomic_folder(out) as temporary:
        splits = {split: _write_split(Path(clean) / split, vocabulary, temporary, split) for split in SPLITS}
        manifest = {"vocabulary": vocabulary.fingerprint, "vocabulary_size": vocabulary.size, "splits": splits}
        write_json(temporary / MANIFEST, manifest)
    return manifest


def _write_split(documents: Path, vocabulary: Vocabulary, out: Path, split: str) -> dict[str, Any]:
    unordered = out / "unordered.bin"
    ranks, lengths, words, size = _encode(documents, vocabulary, unordered, split)
    order = sorted(range(len(ranks)), key=ranks.__getitem__)
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=OFFSET)]).astype(OFFSET)
    tokens = int(starts[-1])
    ids = np.memmap(unordered, ID, "r", shape=(tokens,)) if tokens else np.empty(0, ID)
    pieces = (ids[starts[index] : starts[index + 1]] for index in order)
    files = _write_files(pieces, out, split)
    del ids
    unordered.unlink()
    offsets = out / f"{split}-documents.bin"
    ordered = np.array([lengths[index] for index in order], OFFSET)
    offsets.write_bytes(np.concatenate([[0], np.cumsum(ordered, dtype=OFFSET)]).astype(OFFSET).tobytes())
    return {
        "tokens": tokens,
        "words": words,
        "bytes": size,
        "documents": len(order),
        "offsets": {"name": offsets.name, "sha256": sha256_of_file(offsets)},
        "files": files,
    }


def _encode(folder: Path, vocabulary: Vocabulary, out: Path, split: str) -> tuple[list[bytes], list[int], int, int]:
    """Write the ids in the order the documents come; each document's rank and length, and the words and bytes."""
    ranks, lengths = [], []
    words = size = 0
    with out.open("wb") as stream:
        for document in progress(read_documents(folder), unit="documents", description=f"shard {split}"):
            ids = vocabulary.encode_words(document.text)
            if ids[-1:] != [vocabulary.newline_id]:
                ids = [*ids, vocabulary.newline_id]
            stream.write(np.array(ids, ID).tobytes())  # `tofile` would not say what is wrong with the disk
            ranks.append(hashlib.sha256(f"{document.source}\0{document.id}".encode()).digest())
            lengths.append(len(ids))
            words += len(document.text.split())
            size += len(document.text.encode()) + 1
    return ranks, lengths, words, size


def _write_files(pieces: Iterator[np.ndarray], out: Path, split: str) -> list[dict[str, Any]]:
    """Write whole documents to files until one is full; a document of more than a file's length has one to itself."""
    files: list[dict[str, Any]] = []
    piece = next(pieces, None)
    while piece is not None:
        path = out / f"{split}-{len(files):05d}.bin"
        tokens = documents = 0
        with path.open("wb") as stream:
            while piece is not None and (documents == 0 or tokens + len(piece) <= TOKENS_PER_FILE):
                stream.write(piece.tobytes())
                tokens, documents = tokens + len(piece), documents + 1
                piece = next(pieces, None)
        files.append({"name": path.name, "tokens": tokens, "documents": documents, "sha256": sha256_of_file(path)})
    return files
