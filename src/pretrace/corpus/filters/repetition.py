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
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pretrace.corpus.filters.ngrams import hash_ngrams, hash_words

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
    sizes = np.fromiter(map(len, words), np.int64, len(words))
    for n, runs in repeated_runs(hash_words(words), max([1, *rules.top_ngrams, *rules.duplicate_ngrams])):
        most = rules.top_ngrams.get(n)
        if most is not None and (share := top_ngram_share(runs, sizes, n)) > most:
            yield f"repetition.top_ngrams.{n}", share
        most = rules.duplicate_ngrams.get(n)
        if most is not None and (share := duplicate_ngram_share(runs, sizes, n)) > most:
            yield f"repetition.duplicate_ngrams.{n}", share


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of words that are there at least twice, equal ones side by side."""

    starts: np.ndarray
    """The places of their first words."""
    firsts: np.ndarray
    """Where in `starts` those of the next run begin."""
    counts: np.ndarray
    """How many there are of each."""


def repeated_runs(words: np.ndarray, longest: int) -> Iterator[tuple[int, Runs]]:
    """For each n from 2 to `longest`, the runs of n words that are repeated; `words` are numbers of words.

    Where a run is repeated its beginning and its end are, too: only those places are looked at, ever fewer.
    """
    starts = np.arange(len(words))
    for n in range(2, longest + 1):
        ngrams = hash_ngrams(words, n)
        starts = starts[starts < len(ngrams)]
        order = np.argsort(ngrams[starts])
        starts, found = starts[order], ngrams[starts[order]]
        edges = np.flatnonzero(np.diff(found, prepend=~found[:1])) if len(found) else order
        counts = np.diff(edges, append=len(found))
        starts, counts = starts[np.repeat(counts, counts) > 1], counts[counts > 1]
        yield n, Runs(starts, np.cumsum(counts) - counts, counts)
        again = np.zeros(len(words) + 1, bool)
        again[starts] = True
        starts = np.flatnonzero(again[:-1] & again[1:])


def duplicate_shares(parts: Sequence[str]) -> tuple[float, float]:
    """Of lines or paragraphs, the share that stood earlier, and the share of their characters."""
    seen: set[str] = set()
    repeated = []
    for part in parts:
        if part in seen:
            repeated.append(part)
        seen.add(part)
    return len(repeated) / len(parts), sum(map(len, repeated)) / sum(map(len, parts))


def top_ngram_share(runs: Runs, sizes: np.ndarray, n: int) -> float:
    """Share of the characters in the run of `n` words that is there most often; 0 if none is there twice.

    Of several that are equally frequent the one with most characters counts. `sizes` are the words' characters.
    """
    if not len(runs.counts):
        return 0.0
    # Of equally long ones that cover differently much, as copies of one may overlap, the largest share counts.
    ends = np.concatenate([[0], np.cumsum(sizes)])
    characters = ends[runs.starts[runs.firsts] + n] - ends[runs.starts[runs.firsts]]
    often = runs.counts == runs.counts.max()
    top = np.flatnonzero(often & (characters == characters[often].max()))
    return max(
        _covered(runs.starts[first : first + count], sizes, n)
        for first, count in zip(runs.firsts[top], runs.counts[top], strict=True)
    )


def duplicate_ngram_share(runs: Runs, sizes: np.ndarray, n: int) -> float:
    """Share of the characters in runs of `n` words that stood earlier, each character counted once."""
    if not len(runs.counts):
        return 0.0
    first = np.zeros(len(sizes), bool)
    first[np.minimum.reduceat(runs.starts, runs.firsts)] = True
    return _covered(runs.starts[~first[runs.starts]], sizes, n)


def _covered(starts: np.ndarray, sizes: np.ndarray, n: int) -> float:
    """Share of the characters in words that a run from one of `starts` covers."""
    open_runs = np.zeros(len(sizes) + 1, np.int64)
    open_runs[starts] += 1  # no start is there twice
    open_runs[starts + n] -= 1
    return float(sizes[np.cumsum(open_runs[:-1]) > 0].sum() / sizes.sum())
