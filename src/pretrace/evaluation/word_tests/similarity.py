"""Similarity of words: Spearman's correlation of cosines with judgments of people (WordSim-353, SimLex-999, MEN ...).

A file has a row a pair, in columns `set`, `word1`, `word2` and `score`. Scales differ between sets, so each has a
correlation of its own.
"""

from __future__ import annotations

import math

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.evaluation.word_tests.read_words import Words, read_rows
from pretrace.schemas.zero_shot import SimilarityScore
from pretrace.training.word2vec.vectors import WordVectors

COLUMNS = ("set", "word1", "word2")
SCORE = "score"
LEAST_PAIRS = 3
"""Pairs below which a correlation says nothing."""


def similarity(vectors: WordVectors, file: str, prepare: Words) -> dict[str, SimilarityScore]:
    """Return the correlation of each set of pairs in a file.

    Args:
        prepare: brings a word into the vectors' form, in small letters for instance.

    Raises:
        PretraceError: the file is missing, a word is empty, or a score is no number.
    """
    sets: dict[str, list[tuple[float, float]]] = {}
    missing: dict[str, int] = {}
    directions, numbers = vectors.directions, vectors.numbers
    for place, (name, first, second), judged in read_rows(file, COLUMNS, SCORE):
        pairs = sets.setdefault(name, [])
        found = [numbers.get(prepare(word)) for word in (first, second)]
        if None in found:
            missing[name] = missing.get(name, 0) + 1
            continue
        pairs.append((float(directions[found[0]] @ directions[found[1]]), _number(place, judged)))
    return {
        name: SimilarityScore(pairs=len(pairs), missing=missing.get(name, 0), spearman=_spearman(pairs))
        for name, pairs in sets.items()
    }


def _number(place: str, value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise PretraceError(f"{place}: column {SCORE!r}: got {value!r}; takes a number")
    return number


def _spearman(pairs: list[tuple[float, float]]) -> float | None:
    from scipy.stats import spearmanr

    columns = np.array(pairs).reshape(-1, 2).T
    if len(pairs) < LEAST_PAIRS or any(len(set(column)) == 1 for column in columns):
        return None
    return round(float(spearmanr(*columns).statistic), 6)
