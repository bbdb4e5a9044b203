"""Bands of signatures on disk, and the buckets of documents that agree in one.

A band of all documents is in memory at a time (24 bytes a document); the rest lies in files.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType

import numpy as np

from pretrace.corpus.filters.minhash import agreeing

BUFFERED_BYTES = 16 << 20
NONE = -1


class BandFiles:
    """Hashes of bands (`minhash.band_hashes`) in the order of the documents, a file for each band.

    A context, after which the folder is deleted. Attributes: `documents`, the number of those added.
    """

    def __init__(self, folder: Path, bands: int) -> None:
        self.folder, self.bands, self.documents = folder, bands, 0
        folder.mkdir(parents=True)
        self._waiting = bytearray()

    def __enter__(self) -> BandFiles:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        shutil.rmtree(self.folder)

    def add(self, hashes: bytes) -> None:
        """Add documents: uint64 of shape `(documents, bands)`."""
        self._waiting += hashes
        self.documents += len(hashes) // (8 * self.bands)
        if len(self._waiting) >= BUFFERED_BYTES:
            self._flush()

    def band(self, number: int) -> np.ndarray:
        """Return a band of all documents: uint64."""
        self._flush()
        path = self._path(number)
        return np.fromfile(path, np.uint64) if path.exists() else np.zeros(0, np.uint64)

    def _path(self, number: int) -> Path:
        return self.folder / f"band-{number:03d}"

    def _flush(self) -> None:
        if not self._waiting:
            return
        for number, band in enumerate(np.frombuffer(self._waiting, np.uint64).reshape(-1, self.bands).T):
            with self._path(number).open("ab") as stream:
                stream.write(band.tobytes())
        self._waiting = bytearray()


class Buckets:
    """The documents that agree with another one in a band: the members, by their place among these.

    Attributes:
        members: their numbers in the corpus, ascending: int64.
        of: the bucket of each member in each band, or `NONE`: int32 of shape `(members, bands)`.
        sizes: members in each bucket: int64.
        lists: members of each bucket, end to end: int32.
    """

    def __init__(self, files: BandFiles) -> None:
        is_member = np.zeros(files.documents, bool)
        counts, paths = [], [files.folder / f"agreeing-{band:03d}" for band in range(files.bands)]
        for band, path in enumerate(paths):
            documents, agree = agreeing(files.band(band))
            is_member[documents] = True
            documents.astype(np.int32).tofile(path)
            counts.append(agree)
        self.members = np.flatnonzero(is_member)
        place = np.cumsum(is_member, dtype=np.int32) - 1
        self.sizes = np.concatenate(counts)
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.lists = _on_disk(files.folder / "lists", (int(self.sizes.sum()),))
        self.of = _on_disk(files.folder / "buckets", (len(self.members), files.bands))
        self.of[:] = NONE
        start = bucket = 0
        for band, (path, agree) in enumerate(zip(paths, counts, strict=True)):
            own = place[np.fromfile(path, np.int32)]
            path.unlink()
            self.lists[start : start + len(own)] = own
            self.of[own, band] = np.repeat(np.arange(bucket, bucket + len(agree)), agree)
            start, bucket = start + len(own), bucket + len(agree)


def _on_disk(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array of int32 that the system may write to a file where memory is short."""
    return np.asarray(np.memmap(path, np.int32, "w+", shape=shape)) if np.prod(shape) else np.zeros(shape, np.int32)
