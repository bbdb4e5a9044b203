"""Ids of cleaned text, word by word: each distinct word is encoded once, and its ids are kept as the bytes they take.

Text then becomes ids by looking its words up and joining what is found, without a number in between.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np

from pretrace.corpus.clean import clean_text

REMEMBERED_WORDS = 1_000_000
"""Distinct words after which the memory is emptied, so that a corpus of any size fits."""

BLOCK_CHARACTERS = 20_000
"""Text that is looked up at once, up to the next line end: its words stay in a processor's cache."""


def id_type(size: int) -> np.dtype:
    """What an id of a vocabulary of `size` pieces takes: two bytes where they do, else four; little-endian."""
    return np.dtype("<u2" if size <= 1 << 16 else "<u4")


class WordIds:
    """The ids of words.

    Args:
        size: pieces in the vocabulary.
        newline_id: the id of a line end.
        encode: from words to the ids of each; called once with all that are new in a text.
    """

    def __init__(self, size: int, newline_id: int, encode: Callable[[list[str]], Sequence[Sequence[int]]]) -> None:
        self.type = id_type(size)
        self._encode = encode
        self._always = {"": b"", "\n": np.array([newline_id], self.type).tobytes()}
        self._known = dict(self._always)

    def __len__(self) -> int:
        return len(self._known)

    def of(self, cleaned: str) -> np.ndarray:
        """Ids of cleaned text (words parted by a space, lines by `\\n`): shape (tokens,), of type `self.type`."""
        found = []
        start = 0
        while start < len(cleaned):
            end = cleaned.find("\n", start + BLOCK_CHARACTERS) + 1 or len(cleaned)
            words = cleaned[start:end].replace("\n", " \n ").split(" ")
            try:
                found.append(b"".join(map(self._known.__getitem__, words)))
            except KeyError:
                self._learn(words)
                found.append(b"".join(map(self._known.__getitem__, words)))
            start = end
        return np.frombuffer(b"".join(found), self.type)

    def _learn(self, words: list[str]) -> None:
        if len(self._known) > REMEMBERED_WORDS:
            self._known = dict(self._always)
        new = sorted(set(words).difference(self._known))
        for word, ids in zip(new, self._encode(new), strict=True):
            self._known[word] = np.array(ids, self.type).tobytes()


class WordVocabulary(ABC):
    """What vocabularies of pieces of words have in common; see `Vocabulary` for what its members mean.

    Args:
        pieces: by id.
        newline_id: the id of a line end.
        end_of_word: what a piece that ends a word ends with.
    """

    def __init__(self, pieces: list[str], newline_id: int, end_of_word: str) -> None:
        self.pieces, self.newline_id, self._end_of_word = pieces, newline_id, end_of_word
        self.size = len(pieces)
        self._words = WordIds(self.size, newline_id, self._encode)

    @abstractmethod
    def _encode(self, words: list[str]) -> Sequence[Sequence[int]]:
        """The ids of each word."""

    def encode(self, text: str) -> list[int]:
        return self.encode_words(clean_text(text))

    def encode_words(self, cleaned: str) -> list[int]:
        return self.encode_array(cleaned).tolist()

    def encode_array(self, cleaned: str) -> np.ndarray:
        return self._words.of(cleaned)

    def decode(self, ids: list[int]) -> str:
        text = "".join([self.pieces[index] for index in ids]).replace(self._end_of_word, " ")
        return "\n".join(line.strip(" ") for line in text.split("\n"))
