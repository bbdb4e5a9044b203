"""The words of texts, counted or as Arrow's strings; numpy finds the spaces between them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

SPACE = 32
UTF16_UNITS = 1 << 16


def count_spaces(text: str) -> int:
    """Do as `text.count(" ")`, ten times faster where spaces are as close as in text."""
    return int(np.count_nonzero(np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8) == SPACE))


def count_raw_words(text: str) -> int:
    """Count the words of any text, as many as `text.split()` has."""
    return count_raw_words_of([text])[0]


def count_raw_words_of(texts: Sequence[str]) -> list[int]:
    """Count the words of each of any texts, as many as `text.split()` has."""
    # White space is added at the end, so that each word has an end.
    units = np.frombuffer("\n".join([*texts, ""]).encode("utf-16-le", "surrogatepass"), "<u2")
    white = _white_space()[units]
    words = np.flatnonzero(white[1:] & ~white[:-1])
    if len(texts) == 1:
        return [len(words)]
    lengths = list(map(len, texts))
    if sum(lengths) + len(texts) < len(units):  # there are characters of two units
        lengths = [len(text.encode("utf-16-le", "surrogatepass")) // 2 for text in texts]
    ends = np.cumsum(lengths) + np.arange(len(texts))
    return np.diff(np.searchsorted(words, ends), prepend=0).tolist()


def spaced_words(text: str) -> Any:
    """Return the words of a text with single spaces, each with a space at its end: Arrow's `large_string`."""
    return spaced_words_of((text + " ").encode("utf-8"))


def spaced_words_of(raw: bytes) -> Any:
    """Return the same for a text in UTF-8 that has a space at its end."""
    import pyarrow as pa

    ends = np.flatnonzero(np.frombuffer(raw, np.uint8) == SPACE) + 1
    offsets = np.concatenate([[0], ends])
    return pa.Array.from_buffers(
        pa.large_string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(raw)], null_count=0
    )


@cache
def _white_space() -> np.ndarray:
    """Return the table of UTF-16 units that are white space: bool, shape (65536,)."""
    return np.array([chr(unit).isspace() for unit in range(UTF16_UNITS)])
