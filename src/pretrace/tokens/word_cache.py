"""Token ids of cleaned text, word by word: each distinct word is encoded once, and its ids are cached as bytes.

Text becomes ids by looking its words up and joining their bytes, without a Python number in between; in a long text
Arrow finds the distinct words first, so that only those are looked up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import accumulate, chain, pairwise
from typing import Any

import numpy as np

from pretrace.corpus.text.count_words import count_spaces, spaced_words
from pretrace.corpus.text.recipe import ENGLISH, Gpt1Words, Recipe
from pretrace.tokens.vocabulary import SpecialIds

CACHED_WORDS = 1_000_000
"""Distinct words after which the cache is emptied, so that a corpus of any size fits."""
CACHED_CHARACTERS = 50_000_000
"""Characters of cached words after which it is emptied, too: there are texts without spaces."""

BLOCK_CHARACTERS = 3_000_000
"""Text that is encoded at once, up to the next line end."""
SHORT_CHARACTERS = 300_000
"""Below this, looking up every word is as fast as finding the distinct ones."""


def id_type(size: int) -> np.dtype:
    """Return the type of ids in a vocabulary of `size` tokens: uint16 if they fit, else uint32; little-endian."""
    return np.dtype("<u2" if size <= 1 << 16 else "<u4")


class CachedIds:
    """The ids of parts of text, cached as bytes.

    Args:
        size: tokens in the vocabulary.
        always: parts whose ids are not asked for.
        encode: from parts to the ids of each; called once with all parts of a text that are not cached.
    """

    def __init__(
        self, size: int, always: dict[str, list[int]], encode: Callable[[list[str]], Sequence[Sequence[int]]]
    ) -> None:
        self.type = id_type(size)
        self._encode = encode
        self._always = {part: np.array(ids, self.type).tobytes() for part, ids in always.items()}
        self._cache, self._characters = dict(self._always), 0

    def __len__(self) -> int:
        return len(self._cache)

    def make_room(self) -> None:
        """Empty the cache if it is full: before a text, so that the parts of one are looked up together."""
        if len(self._cache) > CACHED_WORDS or self._characters > CACHED_CHARACTERS:
            self._cache, self._characters = dict(self._always), 0

    def of_each(self, parts: list[str]) -> np.ndarray:
        """Return the ids of all parts, one after the other: shape (tokens,), `self.type`."""
        return np.frombuffer(b"".join(self.look_up(parts)), self.type)

    def look_up(self, parts: list[str]) -> list[bytes]:
        """Return the ids of each part as bytes."""
        ids_of: list[Any] = list(map(self._cache.get, parts))
        if None in ids_of:
            self._add(sorted({part for part, ids in zip(parts, ids_of, strict=True) if ids is None}))
            ids_of = list(map(self._cache.__getitem__, parts))
        return ids_of

    def _add(self, new: list[str]) -> None:
        encoded = self._encode(new)
        joined = np.fromiter(chain.from_iterable(encoded), self.type).tobytes()
        spans = pairwise(accumulate((len(ids) * self.type.itemsize for ids in encoded), initial=0))
        self._cache.update((part, joined[start:end]) for part, (start, end) in zip(new, spans, strict=True))
        self._characters += sum(map(len, new))


class WordIds(CachedIds):
    """The ids of words, cached.

    Args:
        size: tokens in the vocabulary.
        newline_ids: the id of a line end, if there is one.
        encode: from words to the ids of each; called once with all words of a text that are not cached.
    """

    def __init__(
        self, size: int, newline_ids: list[int], encode: Callable[[list[str]], Sequence[Sequence[int]]]
    ) -> None:
        super().__init__(size, {"": [], "\n": newline_ids}, encode)

    def of(self, cleaned: str) -> np.ndarray:
        """Return the ids of cleaned text (words separated by a space, lines by `\\n`): shape (tokens,), `self.type`."""
        blocks = []
        start = 0
        while start < len(cleaned):
            self.make_room()
            end = cleaned.find("\n", start + BLOCK_CHARACTERS) + 1 or len(cleaned)
            text = cleaned[start:end].replace("\n", " \n ")
            blocks.append(self._of_long(text) if len(text) > SHORT_CHARACTERS else self.of_each(text.split(" ")))
            start = end
        return np.concatenate(blocks) if len(blocks) > 1 else blocks[0] if blocks else np.empty(0, self.type)

    def of_many(self, texts: list[str]) -> list[np.ndarray]:
        """Return the ids of each of many texts, encoded together: they share words."""
        if sum(map(len, texts)) <= SHORT_CHARACTERS or max(map(len, texts)) > BLOCK_CHARACTERS:
            return [self.of(text) for text in texts]
        spaced = [text.replace("\n", " \n ") for text in texts]
        ids = self._lists(" ".join(spaced))
        ends = np.cumsum([count_spaces(text) + 1 for text in spaced])
        return np.split(ids.flatten().to_numpy(), ids.offsets.to_numpy()[ends[:-1]])

    def _of_long(self, text: str) -> np.ndarray:
        return self._lists(text).flatten().to_numpy()

    def _lists(self, text: str) -> Any:
        """Return the ids of each word as an Arrow array of lists."""
        import pyarrow as pa

        words = spaced_words(text).dictionary_encode()
        distinct = self.look_up([word[:-1] for word in words.dictionary.to_pylist()])
        ends = np.cumsum([0, *map(len, distinct)], dtype=np.int64) // self.type.itemsize
        # From buffers, as Arrow loads pandas when it is given arrays of numpy.
        ids = pa.Array.from_buffers(
            pa.from_numpy_dtype(self.type), int(ends[-1]), [None, pa.py_buffer(b"".join(distinct))]
        )
        offsets = pa.Array.from_buffers(pa.int64(), len(ends), [None, pa.py_buffer(ends)])
        return pa.LargeListArray.from_arrays(offsets, ids).take(words.indices)


class WordVocabulary(SpecialIds, ABC):
    """Base of vocabularies that split words into tokens; its members are those of `Vocabulary`.

    Args:
        tokens: by id.
        newline_id: the id of a line end.
        end_of_word: the suffix of a token that ends a word.
        language: of the tokenizer that makes words.
    """

    between = ""

    def __init__(self, tokens: list[str], newline_id: int, end_of_word: str, language: str = ENGLISH) -> None:
        self.tokens, self.document_end_id, self._end_of_word = tokens, newline_id, end_of_word
        self.size = len(tokens)
        self._prepare = Gpt1Words(language)
        self.recipe: Recipe | None = self._prepare
        self._words = WordIds(self.size, [newline_id], self._encode)

    @abstractmethod
    def _encode(self, words: list[str]) -> Sequence[Sequence[int]]:
        """Return the ids of each word."""

    def prepare(self, text: str) -> str:
        return self._prepare(text)

    def encode(self, text: str) -> list[int]:
        return self.encode_words(self.prepare(text))

    def encode_words(self, prepared: str) -> list[int]:
        return self.encode_array(prepared).tolist()

    def encode_arrays(self, prepared: list[str]) -> list[np.ndarray]:
        return self._words.of_many(prepared)

    def encode_array(self, prepared: str) -> np.ndarray:
        return self._words.of(prepared)

    def decode(self, ids: list[int]) -> str:
        text = "".join([self.tokens[index] for index in ids]).replace(self._end_of_word, " ")
        return "\n".join(line.strip(" ") for line in text.split("\n"))
