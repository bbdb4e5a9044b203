"""spaCy's English tokenizer with a cache: each distinct chunk, which is the text between two spaces, is tokenized once.

spaCy splits chunks independently of each other, except at the spaces that `TokenJoins` finds.
"""

from __future__ import annotations

import re
import sys
from functools import cached_property
from types import ModuleType
from typing import Any

from pretrace.corpus.text.long_words import long_word_tokenizer
from pretrace.corpus.text.token_joins import GLUE

LONG = 200
"""Characters from which a chunk is tokenized by `long_words`: about where that becomes faster than spaCy."""

# spaCy's patterns never split two ASCII letters, and always split off a sign that is here at the end or in front; a
# full stop after lower case only. A rule of its own could say otherwise: words with one are not easy.
EASY = re.compile(r"('?)([A-Za-z]+)('s|:|\.?'?)")


class ChunkTokenizer:
    """The tokens of chunks in lower case, joined by a space; cached."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer, self._rules = tokenizer, tokenizer.rules
        self._cache: dict[str, str] = {}

    @cached_property
    def _long_words(self) -> Any:
        return long_word_tokenizer(self._tokenizer)

    def __len__(self) -> int:
        return len(self._cache)

    def tokens(self, chunks: list[str]) -> list[str]:
        """Return the tokens of each chunk; new ones are tokenized together, which is several times faster."""
        tokens_of: list[Any] = list(map(self._cache.get, chunks))
        if None in tokens_of:
            new = {chunk for chunk, tokens in zip(chunks, tokens_of, strict=True) if tokens is None}
            hard = [chunk for chunk in sorted(new) if not self._is_easy(chunk)]
            short = [chunk for chunk in hard if len(chunk) < LONG]
            self._cache.update(zip(short, self._tokenize(short), strict=True))
            if len(short) < len(hard):
                self._cache.update((chunk, self._tokenize_long(chunk)) for chunk in hard if len(chunk) >= LONG)
            tokens_of = list(map(self._cache.__getitem__, chunks))
        return tokens_of

    def _is_easy(self, chunk: str) -> bool:
        """Return True if the tokens are certain without spaCy; then they are cached."""
        rules = self._rules
        match = EASY.fullmatch(chunk)
        if not match or chunk in rules:
            if chunk == "\n":
                self._cache[chunk] = chunk
            return chunk == "\n"
        quote, word, tail = match.groups()
        if word in rules or (quote and tail) or (tail[:1] == "." and (word + "." in rules or not word[-1].islower())):
            return False
        tokens = [quote, word.lower(), *([tail] if tail == "'s" else tail)]
        self._cache[chunk] = " ".join([token for token in tokens if token])
        return True

    def _tokenize(self, chunks: list[str]) -> list[str]:
        if not chunks:
            return []
        # Word by word, as the lower case of a letter can depend on its neighbors (the Greek sigma). Of the line ends
        # between the chunks the first space belongs to the word before, the rest is spaCy's token.
        tokens = self._tokenizer(" \n ".join(chunks).replace(GLUE, " "))
        return " ".join([token.text.lower() for token in tokens]).split(" \n  ")

    def _tokenize_long(self, chunk: str) -> str:
        return " ".join([token.text.lower() for token in self._long_words(chunk.replace(GLUE, " "))])


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
