"""Test rows that are in the pre-training text, by their runs of eight words: counted, for probes as for other tasks.

Documents of probes are never in the training text, but passages can be: a paragraph that many docstrings share, say.
The n-grams and their hashes are those of the corpus filter `contamination`, which leaves such text out of training.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import open_file
from pretrace.corpus.documents import Document
from pretrace.corpus.filters.ngrams import hash_ngrams, hash_words
from pretrace.schemas.baselines import SeenRows

FILE = "seen_ngrams.uint32"
"""Sorted hashes, four bytes each, little-endian, without a header."""
NGRAM_WORDS = 8
LEAST_SHARE = 0.5
"""Of a row's n-grams; a row with so many of them in the training text counts as seen (ours)."""
MOST_WORDS = 20_000_000
"""Words of the training text that are looked at, from its beginning: their n-grams take 80 MB."""


def write_seen_ngrams(folder: Path, documents: Iterable[Document]) -> int:
    """Write the hashes of the training text's n-grams into a folder; return the words that were looked at.

    `documents` are prepared, as the rows are.
    """
    words, parts = 0, [np.zeros(0, np.uint32)]
    for ngrams, count in _of_documents(documents):
        parts.append(ngrams)
        words += count
        if words >= MOST_WORDS:
            break
    (folder / FILE).write_bytes(np.unique(np.concatenate(parts)).astype("<u4").tobytes())
    return words


def read_seen_ngrams(folder: Path) -> np.ndarray:
    """Return what `write_seen_ngrams` wrote: sorted hashes.

    Raises:
        PretraceError: it is missing or damaged.
    """
    try:
        with open_file(folder / FILE, missing="no such file; run `dvc repro -f text_models`") as stream:
            return np.frombuffer(stream.read(), "<u4")
    except (OSError, ValueError) as error:
        raise PretraceError(f"{folder / FILE}: not readable ({error}); run `dvc repro -f text_models`") from None


def seen_rows(rows: Sequence[Sequence[str]], seen: np.ndarray) -> SeenRows:
    """Return how many rows have at least half of their n-grams among `seen`; each row is a sequence of texts.

    Rows whose texts are all shorter than an n-gram cannot be found.
    """
    found, long_enough = 0, 0
    for row in rows:
        ngrams = np.concatenate([_shortened(part) for part in row])
        if len(ngrams):
            at = np.minimum(np.searchsorted(seen, ngrams), max(0, len(seen) - 1))
            share = float(np.mean(seen[at] == ngrams)) if len(seen) else 0.0
            long_enough += 1
            found += share >= LEAST_SHARE
    return SeenRows(rows=found, of=long_enough, too_short=len(rows) - long_enough)


def _of_documents(documents: Iterable[Document]) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the n-grams of each document, each once, and its number of words."""
    for document in documents:
        yield np.unique(_shortened(document.text)), len(document.text.split())


def _shortened(text: str) -> np.ndarray:
    """Return the upper halves of the n-grams' hashes: of 20 million, one in 200 meets another's, no half of a row's."""
    return (hash_ngrams(hash_words(text.split()), NGRAM_WORDS) >> np.uint64(32)).astype(np.uint32)
