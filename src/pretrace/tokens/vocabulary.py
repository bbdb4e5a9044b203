"""The interface of a vocabulary, whatever its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from pretrace.corpus.text.recipe import Recipe
from pretrace.schemas.tokens import VocabularyRecord


class SpecialIds:
    """Ids of special tokens, which no text has; None where a vocabulary has no such token."""

    mask_id: int | None = None
    """Stands for a token that is to be predicted ([MASK] in BERT)."""
    first_id: int | None = None
    """Begins a sequence ([CLS] in BERT)."""
    separator_id: int | None = None
    """Ends a text of a sequence ([SEP] in BERT)."""
    padding_id: int | None = None
    """Fills up a batch ([PAD] in BERT)."""


class Vocabulary(Protocol):
    """A tokenizer with its vocabulary: token ids of text, and back."""

    description: VocabularyRecord
    """Content of `vocabulary.json`."""
    files: tuple[Path, ...]
    """Files that it was read from."""
    released_names: tuple[str, ...]
    """Names of those files where they were released."""
    size: int
    """Number of tokens; ids run from 0 to size - 1."""
    fingerprint: str
    """SHA-256 that two vocabularies share only if they give the same ids."""
    document_end_id: int
    """The id that follows each document, and so stands before whatever begins one: GPT-1's line end, GPT-2's
    <|endoftext|>, BERT's [SEP]."""
    unknown_id: int | None
    """The id of everything that the vocabulary has no tokens for; None where it has tokens for all."""
    mask_id: int | None
    first_id: int | None
    separator_id: int | None
    padding_id: int | None
    between: str
    """Beginning of a prepared text that follows another one: a space if the ids have spaces, as GPT-2's, and
    nothing if they have words alone."""
    recipe: Recipe | None
    """The preparation of text, in a form that workers get; None: it stays as it is."""

    def prepare(self, text: str) -> str:
        """Return raw text as the tokenizer reads it; for GPT-1's words by its recipe (`pretrace.corpus.clean_text`)."""
        ...

    def encode(self, text: str) -> list[int]:
        """Return the ids of raw text, which is prepared first. Text that spells a special token never becomes one."""
        ...

    def encode_arrays(self, prepared: list[str]) -> list[np.ndarray]:
        """Return the ids of many prepared texts, as `encode_array` does; faster if they are short."""
        ...

    def encode_array(self, prepared: str) -> np.ndarray:
        """Return the ids of prepared text, shape (tokens,): uint16, or uint32 for a larger vocabulary. Fastest."""
        ...

    def decode(self, ids: list[int]) -> str:
        """Return text. Special tokens and unknown ids read as they are called, "<unk>" for instance.

        For text without unknown characters, `decode(encode(text))` is `prepare(text)`, but for WordPiece: its words are
        separated by one space, and so are signs.
        """
        ...
