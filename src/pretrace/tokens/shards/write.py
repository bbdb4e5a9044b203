"""Writing of shards: the token ids of a split's documents as one stream, in checksummed files.

    train-00000.bin ...      ids, little-endian uint16, or uint32 for a larger vocabulary; 50 million per file
    train-documents.bin      the position at which each document begins, little-endian uint64, and the stream's length
    manifest.json            type of the ids, checksums and totals

Documents are ordered by a hash of their names and sources, so that neighbors in the stream are unrelated and its first
part is like the whole. Each ends with the id of a document's end (`Vocabulary.document_end_id`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import numpy as np

from pretrace.common.files import atomic_folder, sha256_of_file
from pretrace.corpus.documents import document_parts
from pretrace.corpus.text.prepared_text import PreparedText
from pretrace.schemas.record import write_record
from pretrace.schemas.tokens import Manifest, OffsetsFile, ShardFile, SplitManifest
from pretrace.settings import Workers
from pretrace.tokens import Vocabulary
from pretrace.tokens.shards.encode import EncodedPart, encode_parts
from pretrace.tokens.shards.format import MANIFEST, OFFSET
from pretrace.tokens.shards.write_mix import write_mix
from pretrace.tokens.word_cache import id_type

TOKENS_PER_FILE = 50_000_000
SPLITS = ("train", "validation")


def write_shards(
    clean: Path,
    vocabulary: Vocabulary,
    out: Path,
    scratch: Path | None = None,
    workers: Workers | None = None,
    prepared: Path | None = None,
    mix: Mapping[str, float] | None = None,
) -> Manifest:
    """Encode `clean/train` and `clean/validation` (from `clean_documents`) into the folder `out`.

    With `scratch`, a folder, an interrupted run resumes: parts of the text that are encoded are not encoded again. The
    folder's content is deleted at the end. `prepared` is the folder of `PreparedText`, if text is kept there. With
    `mix`, weights of the training text's sources, the manifest has them, and a file the source of each document.

    Returns:
        The manifest, which is also written. By split: `tokens`, `words`, `documents`, and `bytes`: the UTF-8 bytes of
        the raw text with one line end per document, the denominator of bits/byte, whatever the vocabulary.

    Raises:
        PretraceError: the documents are missing, or `mix` has other sources than the training text.
    """
    with atomic_folder(out) as temporary:
        encoded = scratch or temporary / "encoded"
        paths = {split: document_parts(Path(clean) / split) for split in SPLITS}
        texts = PreparedText(vocabulary.recipe, prepared or temporary / "prepared", workers)
        parts = encode_parts(list(chain.from_iterable(paths.values())), vocabulary, encoded, texts)
        splits = {split: _write_split([parts[path] for path in paths[split]], temporary, split) for split in SPLITS}
        if mix is not None:
            train = [parts[path] for path in paths["train"]]
            weights = write_mix(stream_order(train), train, paths["train"], mix, temporary)
            splits["train"] = splits["train"].model_copy(update={"mix": weights})
        manifest = Manifest(
            vocabulary=vocabulary.fingerprint,
            vocabulary_size=vocabulary.size,
            id_type=id_type(vocabulary.size).name,
            splits=splits,
        )
        write_record(temporary / MANIFEST, manifest)
        if not scratch:
            shutil.rmtree(encoded)
        if not prepared:
            shutil.rmtree(texts.folder, ignore_errors=True)
    for part in parts.values():
        part.delete()
    return manifest


def stream_order(parts: list[EncodedPart]) -> list[tuple[str, int, int]]:
    """Return the documents of parts in the order of the stream: rank, index of the part, number in the part."""
    return sorted((rank, at, number) for at, part in enumerate(parts) for number, rank in enumerate(part.index.ranks))


def _write_split(parts: list[EncodedPart], out: Path, split: str) -> SplitManifest:
    order = stream_order(parts)
    files = _write_files((parts[at].ids(number) for _, at, number in order), out, split)
    starts = [parts[at].index.starts[number : number + 2] for _, at, number in order]
    ends = np.cumsum([0] + [end - start for start, end in starts], dtype=OFFSET)
    offsets = out / f"{split}-documents.bin"
    offsets.write_bytes(ends.astype(OFFSET).tobytes())
    return SplitManifest(
        tokens=int(ends[-1]),
        words=sum(part.index.words for part in parts),
        bytes=sum(part.index.bytes for part in parts),
        documents=len(order),
        offsets=OffsetsFile(name=offsets.name, sha256=sha256_of_file(offsets)),
        files=files,
    )


def _write_files(documents: Iterator[np.ndarray], out: Path, split: str) -> list[ShardFile]:
    """Write whole documents to files until one is full; a document of more than a file's length has one to itself."""
    files: list[ShardFile] = []
    ids = next(documents, None)
    while ids is not None:
        path = out / f"{split}-{len(files):05d}.bin"
        tokens = count = 0
        with path.open("wb") as stream:
            while ids is not None and (count == 0 or tokens + len(ids) <= TOKENS_PER_FILE):
                stream.write(ids.tobytes())
                tokens, count = tokens + len(ids), count + 1
                ids = next(documents, None)
        files.append(ShardFile(name=path.name, tokens=tokens, documents=count, sha256=sha256_of_file(path)))
    return files
