"""Whole words, for word vectors: every word of the training text that is frequent enough is a token.

    words.txt    a word and its number of occurrences a line, the most frequent first, as word2vec.c writes them

Id 0 is every other word, id 1 the line end, and ids from 2 on are the words, in the file's order.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.common.files import sha256_of_file
from pretrace.common.open_file import VOCABULARY_BYTES, read_text
from pretrace.corpus.text.recipe import ENGLISH
from pretrace.schemas.tokens import VocabularyRecord
from pretrace.tokens.sentencepiece_bpe import AGAIN, END_OF_WORD, NEWLINE, UNKNOWN
from pretrace.tokens.word_cache import WordVocabulary

FILE = "words.txt"
SPECIALS = 2
NEWLINE_ID = 1


class WholeWords(WordVocabulary):
    """A vocabulary of whole words, made by `train_words.py`; its members are those of `Vocabulary`."""

    kind = "words"

    def __init__(self, folder: Path, description: VocabularyRecord) -> None:
        path = folder / FILE
        self.description = description
        self.files: tuple[Path, ...] = (path,)
        self.released_names: tuple[str, ...] = (FILE,)
        self.words = words = [word for word, _ in read_counts(path)]
        self.fingerprint = sha256_of_file(path)
        self.unknown_id: int | None = 0
        self._numbers = {word: number for number, word in enumerate(words, SPECIALS)}
        if len(self._numbers) < len(words):
            raise PretraceError(f"{path}: the same word twice; {AGAIN}")
        tokens = [UNKNOWN + END_OF_WORD, NEWLINE, *(word + END_OF_WORD for word in words)]
        super().__init__(tokens, NEWLINE_ID, END_OF_WORD, description.language or ENGLISH)

    def _encode(self, words: list[str]) -> Sequence[Sequence[int]]:
        return [[self._numbers.get(word, 0)] for word in words]


def read_counts(path: Path, apart: str = " ") -> list[tuple[str, int]]:
    """Return words with their numbers of occurrences.

    Raises:
        PretraceError: the file is missing or empty, or a line is not a word and a number.
    """
    lines = read_text(path, VOCABULARY_BYTES, f"no such file; {AGAIN}").removesuffix("\n").split("\n")
    rows = []
    for number, line in enumerate(lines, 1):
        word, _, count = line.rpartition(apart)
        if not word or not (count.isdecimal() and count.isascii()):
            raise PretraceError(f"{path}: line {number}: takes a word and a number, got {line[:40]!r}")
        rows.append((word, int(count)))
    return rows
