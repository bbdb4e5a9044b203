"""How much of a document repeats itself: the measures of Gopher's repetition removal.

Rae et al. 2021, Table A1, the largest shares that stay: duplicate lines 0.30, duplicate paragraphs 0.30, characters in
duplicate lines 0.20, in duplicate paragraphs 0.20; characters in the most frequent 2-gram 0.20, 3-gram 0.18, 4-gram
0.16; characters in duplicate 5-grams 0.15, 6-grams 0.14, 7-grams 0.13, 8-grams 0.12, 9-grams 0.11, 10-grams 0.10
("taking care not to count characters that occur in overlapping n-grams more than once").

A duplicate is what stood earlier in the document, so the first of its kind is none. Characters are those of words,
without the white space between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pretrace.corpus.ngrams import hash_ngrams, hash_words

if TYPE_CHECKING:
    from pretrace.settings import RepetitionRules

BLANK_LINES = re.compile(r"\n\s*\n")


def repetition(text: str, words: list[str], lines: list[str], rules: RepetitionRules) -> Iterator[tuple[str, float]]:
    """Each broken rule's name and the share that was measured. `lines` are those with words; there is one at least."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in BLANK_LINES.split(text) if paragraph.strip()]
    measured = {
        ("duplicate_lines", "duplicate_line_characters"): duplicate_shares(lines),
        ("duplicate_paragraphs", "duplicate_paragraph_characters"): duplicate_shares(paragraphs),
    }
    for names, shares in measured.items():
        for name, share in zip(names, shares, strict=True):
            most = getattr(rules, name)
            if most is not None and share > most:
                yield f"repetition.{name}", share
    numbers = hash_words(words)
    sizes = np.fromiter(map(len, words), np.int64, len(words))
    for n, most in sorted(rules.top_ngrams.items()):
        if (share := top_ngram_share(hash_ngrams(numbers, n), sizes, n)) > most:
            yield f"repetition.top_ngrams.{n}", share
    for n, most in sorted(rules.duplicate_ngrams.items()):
        if (share := duplicate_ngram_share(hash_ngrams(numbers, n), sizes, n)) > most:
            yield f"repetition.duplicate_ngrams.{n}", share


def duplicate_shares(parts: Sequence[str]) -> tuple[float, float]:
    """Of lines or paragraphs, the share that stood earlier, and the share of their characters."""
    seen: set[str] = set()
    repeated = [part for part in parts if part in seen or seen.add(part)]
    return len(repeated) / len(parts), sum(map(len, repeated)) / sum(map(len, parts))


def top_ngram_share(ngrams: np.ndarray, sizes: np.ndarray, n: int) -> float:
    """Share of the characters in the run of `n` words that is there most often; 0 if none is there twice.

    Of several that are equally frequent the one that covers most counts. `sizes` are the words' characters.
    """
    if not len(ngrams):
        return 0.0
    _, first, counts = np.unique(ngrams, return_index=True, return_counts=True)
    if counts.max() < 2:
        return 0.0
    # Equal runs have as many characters, so only one that could cover most is laid over the words.
    top = first[counts == counts.max()]
    ends = np.concatenate([[0], np.cumsum(sizes)])
    longest = top[np.argmax(ends[top + n] - ends[top])]
    return _covered(np.flatnonzero(ngrams == ngrams[longest]), sizes, n)


def duplicate_ngram_share(ngrams: np.ndarray, sizes: np.ndarray, n: int) -> float:
    """Share of the characters in runs of `n` words that stood earlier, each character counted once."""
    if not len(ngrams):
        return 0.0
    later = np.ones(len(ngrams), bool)
    later[np.unique(ngrams, return_index=True)[1]] = False
    return _covered(np.flatnonzero(later), sizes, n)


def _covered(starts: np.ndarray, sizes: np.ndarray, n: int) -> float:
    """Share of the characters in words that a run from one of `starts` covers."""
    open_runs = np.zeros(len(sizes) + 1, np.int64)
    np.add.at(open_runs, starts, 1)
    np.add.at(open_runs, starts + n, -1)
    return float(sizes[np.cumsum(open_runs[:-1]) > 0].sum() / sizes.sum())
