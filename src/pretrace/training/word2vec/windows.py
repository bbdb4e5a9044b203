"""The words of a text that are read, and the windows around them, cut into blocks of one shape.

Words that the vocabulary lacks, and frequent ones at random, are taken out before windows are laid, so a window reaches
across them (as in the released code). No window reaches out of its document.

Shapes: M words of a stretch of text, B blocks, T centers, S contexts, N noise words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CENTERS = 32
"""Words of a block that are predicted: T."""
NOISE = 64
"""Noise words of a block: N. A block has some hundred pairs, so a noise word stands for several of theirs; with fewer,
one step would move a rare word far."""
MOST_BLOCKS = 16
"""Blocks of an update: B. More are faster, and add up more gradients that know nothing of each other."""
MOST_TIMES = 8
"""Times that an update reads the most frequent word, on average: there are fewer blocks where one word is most of the
text, or its vector would be moved too far."""
POWER = 0.75
"""Of counts, for the probabilities of noise words (section 2.2)."""


@dataclass(frozen=True)
class Drawn:
    """Words of a stretch that are read, each with its number of the document and the width of its window."""

    words_M: np.ndarray
    documents_M: np.ndarray
    windows_M: np.ndarray


@dataclass(frozen=True)
class Frequencies:
    """Probabilities of the words, from their counts in the training text; a word with count 0 is none."""

    keep_V: np.ndarray
    """Probability that an occurrence is read."""
    noise_V: np.ndarray
    """Cumulative probabilities of noise words."""

    @classmethod
    def of(cls, counts_V: np.ndarray, sample: float) -> Frequencies:
        """Return those of the released code; `sample` is the share from which on a word is left out at times."""
        total = counts_V.sum()
        share_V = np.maximum(counts_V, 1) / max(1, total)
        ratio_V = sample / share_V
        keep_V = np.sqrt(ratio_V) + ratio_V if sample else np.ones(len(counts_V))
        noise_V = np.cumsum(np.where(counts_V > 0, counts_V.astype(np.float64) ** POWER, 0.0))
        return cls(np.where(counts_V > 0, np.minimum(keep_V, 1.0), 0.0), noise_V / noise_V[-1])

    def blocks(self, counts_V: np.ndarray) -> int:
        """Return the blocks of an update."""
        read_V = counts_V * self.keep_V
        most = float(read_V.max(initial=0) / max(1.0, read_V.sum()))
        return max(1, min(MOST_BLOCKS, int(MOST_TIMES / max(most * CENTERS, 1e-9))))

    def noise(self, count: int, draws: np.random.Generator) -> np.ndarray:
        """Return noise words."""
        return np.searchsorted(self.noise_V, draws.random(count), side="right").astype(np.int64)


def draw(
    ids: np.ndarray, document_end: int, frequencies: Frequencies, window: int, draws: np.random.Generator
) -> Drawn:
    """Return the words of a stretch of text that are read.

    Args:
        ids: word numbers, with `document_end` behind each document.
        window: the widest.
    """
    kept = draws.random(len(ids), np.float32) < frequencies.keep_V[ids]
    kept[ids == document_end] = False
    words_M = ids[kept].astype(np.int64)
    documents_M = np.cumsum(ids == document_end)[kept]
    return Drawn(words_M, documents_M, draws.integers(1, window, len(words_M), endpoint=True))


def blocks(drawn: Drawn, window: int, at_once: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield centers (B, T), contexts (B, S) and pairs (B, S, T) of at most `at_once` blocks, in the order of the text.

    Behind the end stands word 0, in no pair.
    """
    count = len(drawn.words_M)
    span = CENTERS + 2 * window
    offset_ST = np.arange(span)[:, None] - window - np.arange(CENTERS)  # of a context from a center
    near_ST = np.abs(offset_ST).astype(np.int64)
    near_ST[near_ST == 0] = span  # a word is not in its own window
    for first in range(0, count, at_once * CENTERS):
        starts_B = np.arange(first, min(count, first + at_once * CENTERS), CENTERS)
        center_BT = starts_B[:, None] + np.arange(CENTERS)
        context_BS = starts_B[:, None] - window + np.arange(span)
        outside_BT, outside_BS = center_BT >= count, (context_BS < 0) | (context_BS >= count)
        center_BT[outside_BT], context_BS[outside_BS] = 0, 0
        reach_BT = np.where(outside_BT, 0, drawn.windows_M[center_BT])
        document_BS = np.where(outside_BS, -1, drawn.documents_M[context_BS])
        same_BST = document_BS[:, :, None] == drawn.documents_M[center_BT][:, None]
        yield drawn.words_M[center_BT], drawn.words_M[context_BS], same_BST & (near_ST <= reach_BT[:, None])
