"""Reading of shards: the files of a split as one stream of token ids, checked before the first is used."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.files import sha256_of_file
from pretrace.schemas.record import read_record
from pretrace.schemas.tokens import Manifest, SplitManifest
from pretrace.tokens.shards.format import MANIFEST, OFFSET, SOURCE


class TokenStream(Protocol):
    """Documents as one stream of token ids."""

    split: str
    """Name of the text, for errors."""
    tokens: int
    """Tokens in the stream."""

    def read(self, start: int, length: int) -> np.ndarray:
        """Return ids `start` to `start + length` of the stream, int64."""
        ...

    def document_starts(self) -> np.ndarray:
        """Return the position of each document's first token, and the stream's end: int64, shape (documents + 1,)."""
        ...


class Shards:
    """One split's token ids, memory-mapped: only what is read is in memory."""

    def __init__(self, folder: Path, split: str, numbers: SplitManifest, id_type: np.dtype) -> None:
        self.split = split
        self.tokens = numbers.tokens
        """Tokens in the stream."""
        self.bytes = numbers.bytes
        """UTF-8 bytes of the raw text."""
        self.words = numbers.words
        self._files = [np.memmap(folder / file.name, id_type, "r") for file in numbers.files if file.tokens]
        self._starts = np.cumsum([0] + [len(ids) for ids in self._files])
        self._offsets = folder / numbers.offsets.name
        self.mix = numbers.mix
        """Sources that are read by weight; None: the stream is read as it is."""
        self._sources = folder / numbers.mix.file.name if numbers.mix else None

    def read(self, start: int, length: int) -> np.ndarray:
        """Return ids `start` to `start + length` of the stream, int64. Raises IndexError outside of it."""
        if start < 0 or length < 0 or start + length > self.tokens:
            raise IndexError(f"{self.split}: ids {start} to {start + length} of {self.tokens}")
        out = np.empty(length, np.int64)
        filled = 0
        file = int(np.searchsorted(self._starts, start, side="right")) - 1
        while filled < length:
            within = start + filled - int(self._starts[file])
            ids = self._files[file][within : within + length - filled]
            out[filled : filled + len(ids)] = ids
            filled += len(ids)
            file += 1
        return out

    def document_starts(self) -> np.ndarray:
        """Return the position of each document's first token, and the stream's end: int64, shape (documents + 1,)."""
        return np.fromfile(self._offsets, OFFSET).astype(np.int64)

    def document_sources(self) -> np.ndarray:
        """Return the number of each document's source among those of the mix: int64, shape (documents,)."""
        assert self._sources
        return np.fromfile(self._sources, SOURCE).astype(np.int64)


def read_manifest(folder: Path | str) -> Manifest:
    """Read the manifest of a folder of shards.

    Raises:
        PretraceError: it is missing or damaged.
    """
    return read_record(Path(folder) / MANIFEST, Manifest)


def open_shards(folder: Path | str, split: str, vocabulary_fingerprint: str | None = None) -> Shards:
    """Open the shards of "train" or "validation"; every file is compared with the manifest first.

    Raises:
        PretraceError: a file is missing, cut short or damaged (it is named), there is no such split, or the shards
            belong to another vocabulary than `vocabulary_fingerprint`.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if vocabulary_fingerprint is not None and manifest.vocabulary != vocabulary_fingerprint:
        raise PretraceError(f"{folder}: made with another vocabulary; run the stage `shard` again")
    if split not in manifest.splits:
        raise PretraceError(f"{folder / MANIFEST}: no split {split!r}; has {', '.join(manifest.splits)}")
    numbers = manifest.splits[split]
    id_type = np.dtype(manifest.id_type).newbyteorder("<")
    for file in numbers.files:
        _check(folder / file.name, file.sha256, file.tokens * id_type.itemsize)
    offsets = numbers.offsets
    _check(folder / offsets.name, offsets.sha256, (numbers.documents + 1) * OFFSET.itemsize)
    if numbers.mix:
        _check(folder / numbers.mix.file.name, numbers.mix.file.sha256, numbers.documents * SOURCE.itemsize)
    return Shards(folder, split, numbers, id_type)


def _check(path: Path, sha256: str, size: int) -> None:
    if not path.is_file():
        raise PretraceError(
            f"{path}: missing, but the manifest lists it; run `dvc checkout` or the stage `shard` again"
        )
    if path.stat().st_size != size:
        raise PretraceError(f"{path}: {path.stat().st_size} bytes instead of {size}; run the stage `shard` again")
    if sha256_of_file(path) != sha256:
        raise PretraceError(f"{path}: damaged (its SHA-256 differs from the manifest's); run the stage `shard` again")
