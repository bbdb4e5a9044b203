"""DVC's checksums: the MD5 of a file, and of a folder that of the list of its files."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.common.files import CHUNK_BYTES
from pretrace.common.open_file import open_file

Listing = dict[str, str]
"""MD5 of each file of a folder, by name; of a single file, by the name ""."""


def dvc_hash(path: Path) -> str:
    """Return DVC's checksum of a file or a folder that is there.

    Raises:
        PretraceError: a file cannot be read.
    """
    return hash_of(list_hashes(path))


def list_hashes(path: Path) -> Listing:
    """Return the files of a path with their checksums; none if there is nothing.

    Raises:
        PretraceError: a file cannot be read.
    """
    if not path.is_dir():
        return {"": _md5(path)} if path.exists() else {}
    files = [Path(folder, name) for folder, _, names in os.walk(path, followlinks=True) for name in names]
    return {file.relative_to(path).as_posix(): _md5(file) for file in sorted(files)}


def hash_of(listing: Listing) -> str:
    """Return DVC's checksum of a file, or of a folder with these files."""
    if "" in listing:
        return listing[""]
    entries = [{"md5": listing[name], "relpath": name} for name in sorted(listing)]
    return f"{hashlib.md5(json.dumps(entries).encode(), usedforsecurity=False).hexdigest()}.dir"


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with open_file(path) as stream:
        try:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
        except OSError as error:
            raise PretraceError(
                f"{path}: cannot be read ({error.strerror}); check the disk, delete the file and run `dvc repro`"
            ) from None
    return digest.hexdigest()
