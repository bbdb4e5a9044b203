"""Word vectors, and word2vec's text format, which gensim's `KeyedVectors.load_word2vec_format` opens.

    2 3                     words and numbers of each vector
    the 0.1 -0.2 0.3        a line a word, the most frequent first
    of 0.25 0.5 -1

Shapes: V words, C width, N words that are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_path
from pretrace.common.open_file import read_text

MOST_BYTES = 16 << 30
"""Of a file of vectors; the released 3 million words x 300 are 11 GB as text."""
HEADER = "takes two numbers in the first line: the words, and the numbers of each vector"


@dataclass(frozen=True)
class WordVectors:
    """Words, each with a vector."""

    words: Sequence[str]
    """In the order of their numbers; none is empty, is there twice, or has white space."""
    vectors_VC: np.ndarray
    """float32."""

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

    @cached_property
    def directions(self) -> np.ndarray:
        """The vectors with length 1; zeros stay."""
        lengths = np.linalg.norm(self.vectors_VC, axis=1, keepdims=True)
        return self.vectors_VC / np.where(lengths > 0, lengths, 1)

    def nearest(self, directions_NC: np.ndarray, leave_out: Sequence[Sequence[int]], count: int) -> np.ndarray:
        """Return the numbers of the words with the largest cosines to each direction (N, count), the nearest first.

        Args:
            leave_out: for each direction, words that are not looked at.
            count: at most the words that are left.
        """
        cosines_NV = directions_NC @ self.directions.T
        for row, words in enumerate(leave_out):
            cosines_NV[row, list(words)] = -np.inf
        return np.argsort(-cosines_NV, axis=1, kind="stable")[:, :count]


def write_word2vec(path: Path, words: WordVectors) -> None:
    """Write vectors as word2vec does, whole or not at all; reading them gives the same numbers.

    Raises:
        PretraceError: a word is empty or has white space, or the disk is full.
    """
    for word in words.words:
        if word.split() != [word]:
            raise PretraceError(f"{path}: the word {word[:40]!r} is none in word2vec's format: it has white space")
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write(f"{len(words.words)} {words.vectors_VC.shape[1]}\n")
        for word, vector in zip(words.words, words.vectors_VC, strict=True):
            stream.write(f"{word} {' '.join(map(str, vector))}\n")


def read_word2vec(path: Path) -> WordVectors:
    """Read a file of vectors in word2vec's text format.

    Raises:
        PretraceError: it is missing, or not of that format; names the line.
    """
    lines = read_text(path, MOST_BYTES).removesuffix("\n").split("\n")
    count, width = _header(path, lines[0])
    if len(lines) - 1 != count:
        raise PretraceError(f"{path}: the first line says {count:,} words, and {len(lines) - 1:,} lines follow")
    words: dict[str, int] = {}
    vectors_VC = np.empty((count, width), np.float32)
    for number, (word, values) in enumerate(_rows(path, lines[1:], width)):
        if words.setdefault(word, number) != number:
            raise PretraceError(f"{path}: line {number + 2}: the word {word[:40]!r} is also in line {words[word] + 2}")
        vectors_VC[number] = values
    return WordVectors(list(words), vectors_VC)


def _header(path: Path, line: str) -> tuple[int, int]:
    numbers = line.split()
    if len(numbers) != 2 or not all(number.isdecimal() and number.isascii() for number in numbers):
        raise PretraceError(f"{path}: line 1: got {line[:40]!r}; {HEADER}")
    count, width = map(int, numbers)
    if not 0 < width <= 1 << 20 or count > MOST_BYTES // (2 * width):
        raise PretraceError(f"{path}: line 1: got {line[:40]!r}; no file has so many numbers, or a vector has none")
    return count, width


def _rows(path: Path, lines: list[str], width: int) -> Iterator[tuple[str, np.ndarray]]:
    for number, line in enumerate(lines, 2):
        word, *values = line.rstrip(" ").split(" ")
        if not word or len(values) != width:
            raise PretraceError(f"{path}: line {number}: takes a word and {width} numbers, apart by one space each")
        try:
            vector = np.array(values, np.float32)
        except ValueError as error:
            raise PretraceError(f"{path}: line {number}: {error}; takes {width} numbers behind the word") from None
        if not np.isfinite(vector).all():
            raise PretraceError(f"{path}: line {number}: a number that is not finite")
        yield word, vector
