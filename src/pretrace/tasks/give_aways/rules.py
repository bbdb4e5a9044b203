"""The list of rules: what each one reads of a row.

A rule reads texts and returns features for a linear model, for the rows it is fitted on and for those it answers. Words
in a new order have the same features, but for a text's first and last ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

MOST_CHARACTERS = 2000
"""Characters of a text that the rule `characters` reads, which keeps long texts to seconds (ours)."""
MOST_FEATURES = 5000
"""Words or pieces of words that a rule reads, the most frequent ones (ours)."""
BINS = 5
"""Ranges of a count, of equally many rows each, so that "neither long nor short" is found, too (ours)."""
Texts = list[tuple[str, ...]]
"""Parts of examples; each choice of a multiple-choice row is an example (context, choice)."""


@dataclass(frozen=True)
class Rule:
    """A way to answer without what the task asks for."""

    name: str
    features: Callable[[Texts, Texts], tuple[Any, Any] | None]
    """Features of the rows to fit on and of the rows to answer, a row each; None if there is nothing to count."""
    in_a_text: bool
    """True if it is a give-away in a task of single texts that people made; if not, it may be what is asked for."""
    in_parts: bool = True
    """True if it is one in a task of pairs or choices that people made."""


def rules_for(parts: int, chooses: bool) -> list[Rule]:
    """Return the rules for a row of so many parts.

    Args:
        parts: parts of an example: 1 for a text, 2 for a pair or a context and a choice.
        chooses: whether parts are a context and a choice.
    """
    read = [1] if chooses else list(range(parts))  # the context is the same for all choices
    numbers = [(_repeats, "adjacent repeats", True), (_lengths, "lengths", True), (_counts, "counts", False)]
    rules = [Rule(name, _numbers(function, read), in_a_text) for function, name, in_a_text in numbers]
    rules += [
        Rule("first word", _bag(lambda text: " ".join(text.split()[:1]), read), in_a_text=False),
        Rule("last words", _bag(lambda text: " ".join(text.split()[-2:]), read), in_a_text=False),
    ]
    if chooses:
        rules.append(Rule("choices alone", _bag(str, [1]), in_a_text=False))
    elif parts == 2:
        rules += [Rule(f"{name} part alone", _bag(str, [i]), False) for i, name in enumerate(("first", "second"))]
    characters = _bag(_beginning, [0], analyzer="char_wb", ngram_range=(1, 3)) if parts == 1 else _shared_characters
    return [*rules, Rule("characters", characters, in_a_text=False, in_parts=False)]


def _repeats(text: str) -> list[float]:
    return [float(sum(a == b and a.isalpha() for a, b in pairwise(text.split())))]


def _lengths(text: str) -> list[float]:
    return [len(text.split()), len(text)]


def _counts(text: str) -> list[float]:
    words = text.split()
    letters = sum(map(len, words)) / max(1, len(words))
    shapes = [sum(map(test, words)) for test in (str.isalpha, str.isdigit, str.isalnum, lambda w: not w[0].isalnum())]
    return [letters, len(set(words)), sum(map(str.isupper, text)), sum(map(str.isdigit, text)), *shapes]


def _numbers(function: Callable[[str], list[float]], read: list[int]) -> Callable[[Texts, Texts], tuple[Any, Any]]:
    """Return features of numbers of each part: themselves, and in ranges."""

    def features(fit: Texts, answer: Texts) -> tuple[Any, Any]:
        tables = [
            np.array([[n for i in read for n in function(parts[i])] for parts in rows], float) for rows in (fit, answer)
        ]
        spread = np.maximum(tables[0].std(0), 1e-9)
        edges = np.quantile(tables[0], np.arange(1, BINS) / BINS, axis=0)
        plain = [(table - tables[0].mean(0)) / spread for table in tables]
        above = [(table[:, None] > edges[None]).reshape(len(table), -1) for table in tables]
        both = [np.hstack([number, binary]) for number, binary in zip(plain, above, strict=True)]
        return both[0], both[1]

    return features


def _bag(of: Callable[[str], str], read: list[int], **options: Any) -> Callable[[Texts, Texts], tuple[Any, Any] | None]:
    """Return features of words, or of other pieces, that are in two examples or more."""

    def features(fit: Texts, answer: Texts) -> tuple[Any, Any] | None:
        from scipy.sparse import hstack
        from sklearn.feature_extraction.text import TfidfVectorizer

        found = []
        for i in read:
            kinds = {"min_df": 2, "max_features": MOST_FEATURES, "lowercase": False}
            vectorizer = TfidfVectorizer(**kinds, **(options or {"token_pattern": r"\S+"}))
            try:
                fitted = vectorizer.fit_transform(of(parts[i]) for parts in fit)
            except ValueError:  # nothing is in two examples
                continue
            found.append((fitted, vectorizer.transform(of(parts[i]) for parts in answer)))
        if not found:
            return None
        return hstack([a for a, _ in found]).tocsr(), hstack([b for _, b in found]).tocsr()

    return features


def _shared_characters(fit: Texts, answer: Texts) -> tuple[Any, Any] | None:
    """Return how many pieces of words, weighted by rarity, are in both parts: a cosine, as the only feature."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=2, max_features=MOST_FEATURES)
    try:
        vectorizer.fit(_beginning(part) for parts in fit for part in parts)
    except ValueError:
        return None
    cosines = []
    for rows in (fit, answer):
        first, second = (vectorizer.transform(_beginning(parts[i]) for parts in rows) for i in (0, 1))
        cosines.append(np.asarray(first.multiply(second).sum(1)).reshape(-1, 1))
    return _standardized(*cosines)


def _standardized(fit: np.ndarray, answer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, spread = fit.mean(0), np.maximum(fit.std(0), 1e-9)
    return (fit - mean) / spread, (answer - mean) / spread


def _beginning(text: str) -> str:
    return text[:MOST_CHARACTERS]
