"""Nearest neighbors of frequent words, for people to look at."""

from __future__ import annotations

from pretrace.schemas.zero_shot import Neighbor
from pretrace.training.word2vec.vectors import WordVectors

LEAST_LETTERS = 4
"""Of a word that is shown: shorter ones are mostly articles, prepositions and signs."""
SHOWN, NEAR = 12, 6
"""Words that are shown, and neighbors of each."""


def neighbors(vectors: WordVectors, shown: int = SHOWN, near: int = NEAR) -> dict[str, list[Neighbor]]:
    """Return the nearest words of the first words that are long enough; words are in order, the most frequent first."""
    chosen = [number for number, word in enumerate(vectors.words) if len(word) >= LEAST_LETTERS and word.isalpha()]
    near = min(near, len(vectors.words) - 1)
    found = {}
    for number in chosen[:shown]:
        direction_C = vectors.directions[number]
        nearest = vectors.nearest(direction_C[None], [[number]], near)[0].tolist()
        found[vectors.words[number]] = [
            Neighbor(word=vectors.words[other], cosine=round(float(direction_C @ vectors.directions[other]), 4))
            for other in nearest
        ]
    return found
