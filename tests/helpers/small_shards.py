"""Documents, and a vocabulary of whole words for their shards."""

from __future__ import annotations

import numpy as np

from pretrace.tokens.word_cache import id_type

TEXTS = {f"{number:02d}": f"w{number} " * (number + 1) + "end" for number in range(30)}


class Words:
    """A vocabulary of whole words, enough for what shards need."""

    size, fingerprint, newline_id, unknown_id = 1000, "f" * 64, 1, 0

    def encode_arrays(self, cleaned: list[str]) -> list[np.ndarray]:
        return [self.encode_array(text) for text in cleaned]

    def encode_array(self, cleaned: str) -> np.ndarray:
        ids = [2 if word == "end" else 10 + int(word[1:]) for word in cleaned.split()]
        return np.array(ids, id_type(self.size))
