"""GPT-1's recipe with spaCy's tokenizer of another language than English, line by line.

What makes English fast holds for English's rules only (`clean`); here spaCy splits every line itself.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.corpus.text.clean import standardize
from pretrace.corpus.text.raw_lines import fixed_pieces
from pretrace.corpus.text.word_tokenizer import import_spacy

KEY = "params.yaml: text.language"


def clean_text_of(language: str, text: str) -> str:
    """Return what `clean_text` gives, with the words of a language.

    Raises:
        PretraceError: spaCy does not know the language, or lacks a package for it.
    """
    tokenizer = tokenizer_of(language)
    lines = [line for _, fixed in fixed_pieces(text) for line in standardize(fixed).split("\n") if line.strip()]
    return "\n".join([" ".join(_words(tokenizer, " ".join(line.split()))) for line in lines])


def _words(tokenizer: Any, line: str) -> list[str]:
    return [token.text.lower() for token in tokenizer(line) if token.text.strip()]


@cache
def tokenizer_of(language: str) -> Any:
    """Return spaCy's tokenizer of a language. Raises `PretraceError` if there is none, or a package is missing."""
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
