"""Windows of text that lie within one document, for models that read no text of two at once.

An epoch cuts each document into as few windows as cover it. They overlap by a random number of tokens, the same share
in all documents of an epoch, so that texts are cut at different places; only a document shorter than a window gives a
shorter one. A document's end (`document_end_id`) is no part of its text.
"""

from __future__ import annotations

import numpy as np

from pretrace.tokens.shards.read import TokenStream


class DocumentWindows:
    """The windows of all documents, numbered through in the order of the stream.

    Args:
        length: tokens of a window.
    """

    def __init__(self, shards: TokenStream, length: int) -> None:
        starts = shards.document_starts()
        sizes = np.diff(starts) - 1
        filled = sizes > 0
        self.length = length
        self.numbers = np.flatnonzero(filled)
        """Documents with text: their numbers in the stream. All else goes by the index here."""
        self.starts, self.sizes = starts[:-1][filled], sizes[filled]
        """By document: the position of its first token in the stream, and its tokens."""
        self._counts = -(-self.sizes // length)
        self._ends = np.cumsum(self._counts)

    @property
    def count(self) -> int:
        """Windows of an epoch."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def documents(self, windows: np.ndarray) -> np.ndarray:
        """Return the document of each window: its index in `numbers`."""
        return np.searchsorted(self._ends, windows, side="right")

    def spans(self, windows: np.ndarray, overlap: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the position of each window's first token in the stream, and its tokens; int64.

        Args:
            windows: their numbers.
            overlap: share, from 0 to 1, of the overlap that comes at the first cut of each document.
        """
        own = self.documents(windows)
        sizes, counts = self.sizes[own], self._counts[own]
        place = windows - (self._ends[own] - counts)
        shift = (overlap * (counts * self.length - sizes + 1)).astype(np.int64)
        within = np.clip(place * self.length - shift, 0, np.maximum(sizes - self.length, 0))
        return self.starts[own] + within, np.minimum(sizes, self.length)
