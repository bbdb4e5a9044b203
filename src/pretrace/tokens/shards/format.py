"""File names, types and the order of documents that the writer and the readers of shards share."""

from __future__ import annotations

import hashlib

import numpy as np

MANIFEST = "manifest.json"
OFFSET = np.dtype("<u8")
"""Type of the offset, in tokens, at which a document begins."""

SOURCE = np.dtype("<u4")
"""Type of the number of a document's source, in shards with a mix."""


def document_rank(source: str, name: str) -> str:
    """Return the hash that orders a document among all, independent of the alphabet and the same everywhere."""
    return hashlib.sha256(f"{source}\0{name}".encode()).hexdigest()
