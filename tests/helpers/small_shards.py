"""Documents, a vocabulary of whole words for their shards, and manifests."""

from __future__ import annotations

from typing import Any

import numpy as np

from pretrace.schemas.tokens import Manifest, OffsetsFile, SplitManifest
from pretrace.tokens.word_cache import id_type

TEXTS = {f"{number:02d}": f"w{number} " * (number + 1) + "end" for number in range(30)}


class Words:
    """A vocabulary of whole words, enough for what shards need."""

    size, fingerprint, document_end_id, unknown_id = 1000, "f" * 64, 1, 0
    recipe = None

    def encode_arrays(self, cleaned: list[str]) -> list[np.ndarray]:
        return [self.encode_array(text) for text in cleaned]

    def encode_array(self, cleaned: str) -> np.ndarray:
        ids = [2 if word == "end" else 10 + int(word[1:]) for word in cleaned.split()]
        return np.array(ids, id_type(self.size))


def manifest_of(splits: dict[str, dict[str, int]]) -> Manifest:
    """A manifest of shards that has these numbers of each split: `tokens`, `bytes`; all else is made up."""
    offsets = OffsetsFile(name="offsets.bin", sha256="0" * 64)
    made_up: dict[str, Any] = {"tokens": 1, "words": 1, "bytes": 1, "documents": 1, "offsets": offsets, "files": []}
    numbers = {split: SplitManifest(**made_up | given) for split, given in splits.items()}
    return Manifest(vocabulary="f" * 64, vocabulary_size=1000, id_type="uint16", splits=numbers)
