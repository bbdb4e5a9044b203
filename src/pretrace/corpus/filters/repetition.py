"""Filter of documents that repeat themselves, by the measures of Gopher's repetition removal.

Rae et al. 2021, Table A1, the largest shares that stay: duplicate lines 0.30, duplicate paragraphs 0.30, characters in
duplicate lines 0.20, in duplicate paragraphs 0.20; characters in the most frequent 2-gram 0.20, 3-gram 0.18, 4-gram
0.16; characters in duplicate 5-grams 0.15, 6-grams 0.14, 7-grams 0.13, 8-grams 0.12, 9-grams 0.11, 10-grams 0.10
("taking care not to count characters that occur in overlapping n-grams more than once").

A line, paragraph or n-gram is a duplicate if it stood earlier in the document, so the first of its kind is none.
Characters are those of words, without the white space between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pretrace.corpus.filters.base import RawTextFilter, TextView, too_large
from pretrace.corpus.filters.ngrams import hash_ngrams, hash_words
from pretrace.settings import RepetitionRules

BLANK_LINES = re.compile(r"\n\s*\n")


class RepetitionFilter(RawTextFilter[RepetitionRules]):
    """Drops documents with too large a share of duplicate lines, paragraphs or n-grams."""

    def broken_rules(self, text: TextView) -> Iterator[tuple[str, float]]:
        words, rules = text.words, self.rules
        paragraphs = [" ".join(paragraph.split()) for paragraph in BLANK_LINES.split(text.text) if paragraph.strip()]
        measured = {
            ("duplicate_lines", "duplicate_line_characters"): duplicate_shares(text.lines),
            ("duplicate_paragraphs", "duplicate_paragraph_characters"): duplicate_shares(paragraphs),
        }
        for names, shares in measured.items():
            for name, share in zip(names, shares, strict=True):
                yield from too_large(f"repetition.{name}", share, getattr(rules, name))
        sizes = np.fromiter(map(len, words), np.int64, len(words))
        longest = max([1, *rules.top_ngrams, *rules.duplicate_ngrams])
        for n, ngrams in repeated_ngrams(hash_words(words), longest):
            if (most := rules.top_ngrams.get(n)) is not None:
                yield from too_large(f"repetition.top_ngrams.{n}", top_ngram_share(ngrams, sizes, n), most)
            if (most := rules.duplicate_ngrams.get(n)) is not None:
                yield from too_large(f"repetition.duplicate_ngrams.{n}", duplicate_ngram_share(ngrams, sizes, n), most)


@dataclass(frozen=True, slots=True)
class RepeatedNgrams:
    """The n-grams of a text that occur at least twice, equal ones side by side."""

    starts: np.ndarray
    """Positions of their first words."""
    firsts: np.ndarray
    """Where in `starts` the occurrences of each n-gram begin."""
    counts: np.ndarray
    """Occurrences of each n-gram."""


def repeated_ngrams(words: np.ndarray, longest: int) -> Iterator[tuple[int, RepeatedNgrams]]:
    """Yield each n from 2 to `longest` with the n-grams that are repeated; `words` are hashes of words.

    Where an n-gram is repeated its beginning and its end are, too: only those positions are compared, ever fewer.
    """
    starts = np.arange(len(words))
    for n in range(2, longest + 1):
        ngrams = hash_ngrams(words, n)
        starts = starts[starts < len(ngrams)]
        order = np.argsort(ngrams[starts])
        starts, ordered = starts[order], ngrams[starts[order]]
        edges = np.flatnonzero(np.diff(ordered, prepend=~ordered[:1])) if len(ordered) else order
        counts = np.diff(edges, append=len(ordered))
        starts, counts = starts[np.repeat(counts, counts) > 1], counts[counts > 1]
        yield n, RepeatedNgrams(starts, np.cumsum(counts) - counts, counts)
        again = np.zeros(len(words) + 1, bool)
        again[starts] = True
        starts = np.flatnonzero(again[:-1] & again[1:])


def duplicate_shares(parts: Sequence[str]) -> tuple[float, float]:
    """Return the share of lines or paragraphs that stood earlier, and the share of their characters."""
    seen: set[str] = set()
    repeated: list[str] = []
    for part in parts:
        if part in seen:
            repeated.append(part)
        seen.add(part)
    return len(repeated) / len(parts), sum(map(len, repeated)) / sum(map(len, parts))


def top_ngram_share(ngrams: RepeatedNgrams, sizes: np.ndarray, n: int) -> float:
    """Return the share of the characters in the most frequent n-gram; 0 if none occurs twice.

    Of several that are equally frequent the one with most characters counts. `sizes` are the words' characters.
    """
    if not len(ngrams.counts):
        return 0.0
    # Of equally long ones that cover differently much, as copies of one may overlap, the largest share counts.
    ends = np.concatenate([[0], np.cumsum(sizes)])
    characters = ends[ngrams.starts[ngrams.firsts] + n] - ends[ngrams.starts[ngrams.firsts]]
    often = ngrams.counts == ngrams.counts.max()
    top = np.flatnonzero(often & (characters == characters[often].max()))
    return max(
        _covered(ngrams.starts[first : first + count], sizes, n)
        for first, count in zip(ngrams.firsts[top], ngrams.counts[top], strict=True)
    )


def duplicate_ngram_share(ngrams: RepeatedNgrams, sizes: np.ndarray, n: int) -> float:
    """Return the share of the characters in n-grams that stood earlier, each character counted once."""
    if not len(ngrams.counts):
        return 0.0
    first = np.zeros(len(sizes), bool)
    first[np.minimum.reduceat(ngrams.starts, ngrams.firsts)] = True
    return _covered(ngrams.starts[~first[ngrams.starts]], sizes, n)


def _covered(starts: np.ndarray, sizes: np.ndarray, n: int) -> float:
    """Return the share of the characters in words that an n-gram from one of `starts` covers."""
    open_ngrams = np.zeros(len(sizes) + 1, np.int64)
    open_ngrams[starts] += 1  # no start occurs twice
    open_ngrams[starts + n] -= 1
    return float(sizes[np.cumsum(open_ngrams[:-1]) > 0].sum() / sizes.sum())
