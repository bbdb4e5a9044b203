"""Recipes: what happens to raw text before a tokenizer reads it. Each vocabulary has one; GPT-1's makes words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Protocol

from pretrace.common.code import code_hash
from pretrace.common.files import sha256_of_json
from pretrace.corpus.text.clean import Progress, clean_text, clean_texts
from pretrace.corpus.text.other_languages import clean_text_of

ENGLISH = "en"
LIBRARIES = ("ftfy", "spacy")


class Recipe(Protocol):
    """Turns raw text into the text that a tokenizer reads. It can be pickled, for workers."""

    @property
    def key(self) -> str:
        """A hash that two recipes share only if they give the same text: of settings, code and libraries."""

    def __call__(self, text: str) -> str:
        """Return the prepared text."""


@dataclass(frozen=True)
class Gpt1Words:
    """GPT-1's recipe: repair Unicode, standardize signs and spaces, tokenize, lower-case (`clean_text`)."""

    language: str = ENGLISH
    """Whose tokenizer of spaCy is used (`text.language`)."""

    @property
    def key(self) -> str:
        return _key(self.language)

    def __call__(self, text: str, progress: Progress | None = None) -> str:
        return clean_text(text, progress) if self.language == ENGLISH else clean_text_of(self.language, text)

    def many(self, texts: Sequence[str], progress: Progress | None = None) -> list[str]:
        """Return the prepared text of each text; for short ones this is faster."""
        return clean_texts(texts, progress) if self.language == ENGLISH else [self(text) for text in texts]


@cache
def _key(language: str) -> str:
    return sha256_of_json([code_hash(__name__), [version(name) for name in LIBRARIES], language])
