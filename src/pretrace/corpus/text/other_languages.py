"""GPT-1's recipe with spaCy's tokenizer of another language than English.

`clean_text_of_plainly` is the recipe written out, line by line; `clean_text_of` gives the same string many times faster
where spaCy splits the text between two spaces by itself, as it does in most languages, and where it splits signs.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.corpus.text.chunks.token_joins import TokenJoins
from pretrace.corpus.text.chunks.word_tokenizer import ChunkTokenizer, import_spacy
from pretrace.corpus.text.clean import CACHED_CHUNKS, standardize
from pretrace.corpus.text.raw_lines import fixed_pieces

KEY = "params.yaml: text.language"
BLOCK_CHARACTERS = 200_000
"""Repaired text that is split at once."""


def clean_text_of(language: str, text: str) -> str:
    """Return what `clean_text` gives, with the words of a language.

    Raises:
        PretraceError: spaCy does not know the language, or lacks a package for it.
    """
    words_of = splitter_of(language)
    cleaned: list[str] = []
    block: list[str] = []
    size = 0
    for _, fixed in fixed_pieces(text):
        block.append(fixed)
        size += len(fixed)
        if size > BLOCK_CHARACTERS and fixed.endswith("\n"):
            cleaned.append(words_of(standardize("".join(block))))
            block, size = [], 0
    cleaned.append(words_of(standardize("".join(block))))
    return "\n".join([block for block in cleaned if block])


def clean_text_of_plainly(language: str, text: str) -> str:
    """Return the same as `clean_text_of`, slowly, step by step: the reference of its tests."""
    import ftfy

    tokenizer = tokenizer_of(language)
    lines = [line for line in standardize(ftfy.fix_text(text)).split("\n") if line.strip()]
    return "\n".join([_tokens(tokenizer, " ".join(line.split())) for line in lines])


def _tokens(tokenizer: Any, line: str) -> str:
    return " ".join([token.text.lower() for token in tokenizer(line) if token.text.strip()])


class ChunkSplitter:
    """Splits standardized text whose tokens do not depend on what is beyond a space; chunks are cached."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._reset()

    def _reset(self) -> None:
        tokenizer = _new_tokenizer(self._language)  # spaCy caches words, too
        self._chunks, self._joins = ChunkTokenizer(tokenizer), TokenJoins(tokenizer, letters="")

    def __call__(self, standard: str) -> str:
        if len(self._chunks) > CACHED_CHUNKS:
            self._reset()
        chunks = self._joins.glue(standard).split(" ")
        return " ".join(self._chunks.tokens(chunks)).replace(" \n ", "\n")


def _signs(standard: str) -> str:
    """Split text into single characters, as spaCy does Chinese without a package for it."""
    lines = ["".join(line.split()) for line in standard.split("\n")]
    return "\n".join([" ".join([sign.lower() for sign in line]) for line in lines if line])


@cache
def splitter_of(language: str) -> Any:
    """Return the fastest function from standardized text to the words of a language."""
    from spacy.tokenizer import Tokenizer

    tokenizer = tokenizer_of(language)
    if type(tokenizer) is Tokenizer:
        return ChunkSplitter(language)
    if getattr(tokenizer, "segmenter", None) == "char":
        return _signs
    return lambda standard: "\n".join(
        [_tokens(tokenizer, line.strip()) for line in standard.split("\n") if line.strip()]
    )


@cache
def tokenizer_of(language: str) -> Any:
    """Return spaCy's tokenizer of a language. Raises `PretraceError` if there is none, or a package is missing."""
    return _new_tokenizer(language)


def _new_tokenizer(language: str) -> Any:
    import_spacy()
    from spacy.util import get_lang_class

    try:
        tokenizer = get_lang_class(language)().tokenizer
    except ImportError as error:
        said = " ".join(str(error).split())
        if "[E048]" in said:
            raise PretraceError(
                f"{KEY}: got {language!r}, which spaCy does not have; takes en, fr, de, zh ..."
            ) from None
        raise PretraceError(f"{KEY}: {language}: spaCy needs a package that is not installed: {said}") from None
    tokenizer.vocab.lex_attr_getters = {}  # as in `word_tokenizer`
    return tokenizer
