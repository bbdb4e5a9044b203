"""Cleaned documents to one stream of token ids a split, in checksummed files.

    train-00000.bin ...      ids, little-endian uint16, or uint32 for a vocabulary that needs it; 50 million a file
    train-documents.bin      where each document begins in the stream, little-endian uint64, and the stream's length
    manifest.json            type of the ids, checksums and totals

Documents stand in an order that has nothing to do with their names or sources, so that neighbours in the stream are
strangers and the first part of it is like the whole. Each ends with the id of the line end.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.files import atomic_folder, sha256_of_file, write_json
from pretrace.corpus.documents import document_parts
from pretrace.settings import Workers
from pretrace.tokens import Vocabulary
from pretrace.tokens.shards.encode import EncodedPart, encode_parts
from pretrace.tokens.shards.format import MANIFEST, OFFSET
from pretrace.tokens.word_cache import id_type

TOKENS_PER_FILE = 50_000_000
SPLITS = ("train", "validation")


def write_shards(
    clean: Path, vocabulary: Vocabulary, out: Path, scratch: Path | None = None, workers: Workers | None = None
) -> dict[str, Any]:
    """Encode `clean/train` and `clean/validation` (from `clean_documents`) into the folder `out`.

    With `scratch`, a folder, a run that was killed goes on: parts of the text that it had encoded are not encoded
    again. What is there is deleted at the end.

    Returns:
        The manifest, which is also written. For a split: `tokens`, `words`, `documents`, and `bytes`: the UTF-8 bytes
        of the clean text with one line end a document, which is what bits per byte is a share of.

    Raises:
        PretraceError: the documents are missing.
    """
    with atomic_folder(out) as temporary:
        encoded = scratch or temporary / "encoded"
        paths = {split: document_parts(Path(clean) / split) for split in SPLITS}
        parts = encode_parts(list(chain.from_iterable(paths.values())), vocabulary, encoded, workers)
        splits = {split: _write_split([parts[path] for path in paths[split]], temporary, split) for split in SPLITS}
        manifest = {
            "vocabulary": vocabulary.fingerprint,
            "vocabulary_size": vocabulary.size,
            "id_type": id_type(vocabulary.size).name,
            "splits": splits,
        }
        write_json(temporary / MANIFEST, manifest)
        if not scratch:
            shutil.rmtree(encoded)
    for part in parts.values():
        part.delete()
    return manifest


def _write_split(parts: list[EncodedPart], out: Path, split: str) -> dict[str, Any]:
    order = sorted(
        (rank, at, number) for at, part in enumerate(parts) for number, rank in enumerate(part.numbers.ranks)
    )
    files = _write_files((parts[at].ids(number) for _, at, number in order), out, split)
    starts = [parts[at].numbers.starts[number : number + 2] for _, at, number in order]
    ends = np.cumsum([0] + [end - start for start, end in starts], dtype=OFFSET)
    offsets = out / f"{split}-documents.bin"
    offsets.write_bytes(ends.astype(OFFSET).tobytes())
    return {
        "tokens": int(ends[-1]),
        "words": sum(part.numbers.words for part in parts),
        "bytes": sum(part.numbers.bytes for part in parts),
        "documents": len(order),
        "offsets": {"name": offsets.name, "sha256": sha256_of_file(offsets)},
        "files": files,
    }


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
