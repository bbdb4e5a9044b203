"""spaCy's tokenizers with a cache: each distinct chunk, which is the text between two spaces, is tokenized once.

spaCy splits chunks independently of each other, except at the spaces that `TokenJoins` finds.
"""

from __future__ import annotations

import re
import sys
from functools import cached_property
from types import ModuleType
from typing import Any

from pretrace.corpus.text.chunks.chunk_shapes import ChunkShapes, Shape
from pretrace.corpus.text.chunks.long_words import long_word_tokenizer
from pretrace.corpus.text.chunks.token_joins import GLUE

LONG = 200
"""Characters from which a chunk is tokenized by `long_words`: about where that becomes faster than spaCy."""

# spaCy's patterns never split two ASCII letters, and always split off a sign that is here at the end or in front; a
# full stop after lower case only. A rule of its own could say otherwise: words with one are not easy.
EASY = re.compile(r"('?)([A-Za-z]+)('s|:|\.?'?)")


class ChunkTokenizer:
    """The tokens of chunks in lower case, joined by a space; cached."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._cache: dict[str, str] = {"\n": "\n"}

    @cached_property
    def _shapes(self) -> ChunkShapes:
        return ChunkShapes(self._tokenizer)

    def __len__(self) -> int:
        return len(self._cache)

    def tokens(self, chunks: list[str]) -> list[str]:
        """Return the tokens of each chunk; new ones are tokenized together, which is several times faster."""
        tokens_of: list[Any] = list(map(self._cache.get, chunks))
        if None in tokens_of:
            self._add({chunk for chunk, tokens in zip(chunks, tokens_of, strict=True) if tokens is None})
            tokens_of = list(map(self._cache.__getitem__, chunks))
        return tokens_of

    def _add(self, new: set[str]) -> None:
        whole = self._shapes.whole(new)
        self._cache.update(zip(whole, map(str.lower, whole), strict=True))
        shapes = {chunk: self._shapes.shape(chunk) for chunk in new.difference(whole)}
        first = {shape or chunk: chunk for chunk, shape in shapes.items()}
        self._split(list(first.values()), shapes)
        self._split([chunk for chunk, shape in shapes.items() if chunk not in self._cache], shapes)

    def _split(self, chunks: list[str], shapes: dict[str, Shape | None]) -> None:
        """Cache the tokens of chunks; spaCy splits those whose shape is not known."""
        unknown = []
        for chunk in chunks:
            shape = shapes[chunk]
            tokens = self._shapes.split(chunk, shape) if shape else None
            if tokens is None:
                unknown.append(chunk)
            else:
                # Word by word, as the lower case of a letter can depend on its neighbors (the Greek sigma).
                self._cache[chunk] = " ".join([token.lower() for token in tokens])
        for chunk, tokens in zip(unknown, self._spacy_tokens(unknown), strict=True):
            if shape := shapes[chunk]:
                self._shapes.learn(chunk, shape, tokens)
            self._cache[chunk] = " ".join([token.lower() for token in tokens])

    def _spacy_tokens(self, chunks: list[str]) -> list[list[str]]:
        """Return spaCy's tokens of each chunk; a line end between them is a token of its own, or they are asked for."""
        if not chunks:
            return []
        tokens: list[list[str]] = [[]]
        for token in self._tokenizer("\n".join(chunks).replace(GLUE, " ")):
            if token.text == "\n":
                tokens.append([])
            else:
                tokens[-1].append(token.text)
        if len(tokens) != len(chunks):
            return [[token.text for token in self._tokenizer(chunk.replace(GLUE, " "))] for chunk in chunks]
        return tokens

    @staticmethod
    def _lower(tokens: Any) -> str:
        return " ".join([token.text.lower() for token in tokens])


class EnglishChunkTokenizer(ChunkTokenizer):
    """The tokens of spaCy's English tokenizer, which is not asked for chunks that are certain without it."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self._rules = tokenizer.rules

    @cached_property
    def _long_words(self) -> Any:
        return long_word_tokenizer(self._tokenizer)

    def _add(self, new: set[str]) -> None:
        hard = [chunk for chunk in sorted(new) if not self._is_easy(chunk)]
        short = [chunk for chunk in hard if len(chunk) < LONG]
        self._cache.update(zip(short, self._tokenize(short), strict=True))
        if len(short) < len(hard):
            long = [chunk for chunk in hard if len(chunk) >= LONG]
            self._cache.update((chunk, self._lower(self._long_words(chunk.replace(GLUE, " ")))) for chunk in long)

    def _is_easy(self, chunk: str) -> bool:
        """Return True if the tokens are certain without spaCy; then they are cached."""
        rules = self._rules
        match = EASY.fullmatch(chunk)
        if not match or chunk in rules:
            return False
        quote, word, tail = match.groups()
        if word in rules or (quote and tail) or (tail[:1] == "." and (word + "." in rules or not word[-1].islower())):
            return False
        tokens = [quote, word.lower(), *([tail] if tail == "'s" else tail)]
        self._cache[chunk] = " ".join([token for token in tokens if token])
        return True

    def _tokenize(self, chunks: list[str]) -> list[str]:
        if not chunks:
            return []
        # Of the line ends between the chunks the first space belongs to the word before, the rest is spaCy's token.
        tokens = self._tokenizer(" \n ".join(chunks).replace(GLUE, " "))
        return self._lower(tokens).split(" \n  ")


def import_spacy() -> type:
    """Return spaCy's `English` without loading PyTorch, if that is installed, and spaCy's shell commands.

    That saves 1.3 seconds, and 200 MB in each worker.
    """
    commands = ModuleType("spacy.cli.info")
    commands.info = None  # type: ignore[attr-defined]
    hidden = {"torch": None, "spacy.cli": ModuleType("spacy.cli"), "spacy.cli.info": commands}
    hidden = {name: module for name, module in hidden.items() if name not in sys.modules}
    sys.modules.update(hidden)  # type: ignore[arg-type]
    try:
        from spacy.lang.en import English
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
    return English


def new_spacy_tokenizer() -> Any:
    """Return spaCy's tokenizer for English, with an empty cache."""
    tokenizer = import_spacy()().tokenizer
    # Words are split by their letters alone. Other attributes that spaCy computes of new words (shape and so on)
    # take longer than all the rest.
    tokenizer.vocab.lex_attr_getters = {}
    return tokenizer
