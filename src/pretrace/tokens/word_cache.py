"""Ids of cleaned text, word by word: each distinct word is encoded once, and its ids are kept as the bytes they take.

Text then becomes ids by looking its words up and joining what is found, without a number in between; in a long text
Arrow finds the distinct words first, so that only those are looked up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import accumulate, chain, pairwise
from typing import Any

import numpy as np

from pretrace.corpus.text.clean import clean_text
from pretrace.corpus.text.count_words import count_spaces, spaced_words

REMEMBERED_WORDS = 1_000_000
"""Distinct words after which the memory is emptied, so that a corpus of any size fits."""

BLOCK_CHARACTERS = 3_000_000
"""Text that is looked up at once, up to the next line end."""
SHORT_CHARACTERS = 300_000
"""Below this, looking up every word is as fast as finding the distinct ones."""


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
            if len(self._known) > REMEMBERED_WORDS:
                self._known = dict(self._always)
            end = cleaned.find("\n", start + BLOCK_CHARACTERS) + 1 or len(cleaned)
            text = cleaned[start:end].replace("\n", " \n ")
            found.append(self._of_long(text) if len(text) > SHORT_CHARACTERS else self._of_each(text.split(" ")))
            start = end
        return np.concatenate(found) if len(found) > 1 else found[0] if found else np.empty(0, self.type)

    def of_many(self, texts: list[str]) -> list[np.ndarray]:
        """The same for each of many texts: together they have fewer distinct words."""
        if sum(map(len, texts)) <= SHORT_CHARACTERS or max(map(len, texts)) > BLOCK_CHARACTERS:
            return [self.of(text) for text in texts]
        spaced = [text.replace("\n", " \n ") for text in texts]
        ids = self._lists(" ".join(spaced))
        ends = np.cumsum([count_spaces(text) + 1 for text in spaced])
        return np.split(ids.flatten().to_numpy(), ids.offsets.to_numpy()[ends[:-1]])

    def _of_each(self, words: list[str]) -> np.ndarray:
        return np.frombuffer(b"".join(self._look_up(words)), self.type)

    def _of_long(self, text: str) -> np.ndarray:
        return self._lists(text).flatten().to_numpy()

    def _lists(self, text: str) -> Any:
        """The ids of each word: an Arrow array of lists."""
        import pyarrow as pa

        words = spaced_words(text).dictionary_encode()
        distinct = self._look_up([word[:-1] for word in words.dictionary.to_pylist()])
        ends = np.cumsum([0, *map(len, distinct)], dtype=np.int64) // self.type.itemsize
        # From buffers, as Arrow loads pandas when it is given arrays of numpy.
        ids = pa.Array.from_buffers(
            pa.from_numpy_dtype(self.type), int(ends[-1]), [None, pa.py_buffer(b"".join(distinct))]
        )
        offsets = pa.Array.from_buffers(pa.int64(), len(ends), [None, pa.py_buffer(ends)])
        return pa.LargeListArray.from_arrays(offsets, ids).take(words.indices)

    def _look_up(self, words: list[str]) -> list[bytes]:
        found: list[Any] = list(map(self._known.get, words))
        if None in found:
            self._learn(sorted({word for word, ids in zip(words, found, strict=True) if ids is None}))
            found = list(map(self._known.__getitem__, words))
        return found

    def _learn(self, new: list[str]) -> None:
        encoded = self._encode(new)
        joined = np.fromiter(chain.from_iterable(encoded), self.type).tobytes()
        places = pairwise(accumulate((len(ids) * self.type.itemsize for ids in encoded), initial=0))
        self._known.update((word, joined[start:end]) for word, (start, end) in zip(new, places, strict=True))


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

    def encode_arrays(self, cleaned: list[str]) -> list[np.ndarray]:
        return self._words.of_many(cleaned)

    def encode_array(self, cleaned: str) -> np.ndarray:
        return self._words.of(cleaned)

    def decode(self, ids: list[int]) -> str:
        text = "".join([self.pieces[index] for index in ids]).replace(self._end_of_word, " ")
        return "\n".join(line.strip(" ") for line in text.split("\n"))
