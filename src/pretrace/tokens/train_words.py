"""A vocabulary of whole words from their counts: the same counts give the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder, sha256_of_file, write_text
from pretrace.corpus.text.recipe import ENGLISH
from pretrace.schemas.record import write_record
from pretrace.schemas.tokens import VocabularyRecord
from pretrace.tokens.load import DESCRIPTION
from pretrace.tokens.words import FILE, SPECIALS, WholeWords, read_counts

MIN_COUNT = 5
"""Occurrences from which on a word is in the vocabulary, where the settings name no number (word2vec.c: 5)."""


def train_words(counts: Path, out: Path, size: int, min_count: int | None, language: str = ENGLISH) -> dict[str, Any]:
    """Make a vocabulary of the most frequent words in `counts` (word, tab, number) in the folder `out`.

    Args:
        size: tokens at most, the unknown word and the line end among them.
        min_count: occurrences that a word needs; None: `MIN_COUNT`.

    Returns:
        Numbers for the report: size, distinct words of the text, and the longest word.

    Raises:
        PretraceError: no word is frequent enough.
    """
    rows = read_counts(counts, "\t")
    least = MIN_COUNT if min_count is None else min_count
    chosen = [(word, count) for word, count in rows if count >= least][: size - SPECIALS]
    if not chosen:
        raise PretraceError(
            f"vocabulary.min_count: no word occurs {least} times or more in the training text; take a smaller number"
        )
    with atomic_folder(out) as temporary:
        write_text(temporary / FILE, "".join(f"{word} {count}\n" for word, count in chosen))
        values: dict[str, Any] = {"kind": WholeWords.kind, "size": len(chosen) + SPECIALS}
        if language != ENGLISH:  # a key that is not set is not written
            values["language"] = language
        description = VocabularyRecord(fingerprint=sha256_of_file(temporary / FILE), **values)
        write_record(temporary / DESCRIPTION, description)
    longest = max((word for word, _ in chosen), key=lambda word: (len(word), word))
    return {"size": description.size, "distinct_words": len(rows), "longest_piece": longest}
