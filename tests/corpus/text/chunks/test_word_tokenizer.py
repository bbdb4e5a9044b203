"""Chunks are split as spaCy splits them, and the cache of them is bounded."""

from __future__ import annotations

import string
from itertools import product

import pytest

from pretrace.corpus.text.chunks.word_tokenizer import EnglishChunkTokenizer, new_spacy_tokenizer
from pretrace.corpus.text.clean import Cleaner


def test_easy_chunks_match_spacy() -> None:
    tokenizer = new_spacy_tokenizer()
    chunks = EnglishChunkTokenizer(tokenizer)
    words = {rule.strip("'.") for rule in tokenizer.rules} | {
        *string.ascii_letters,
        "word",
        "Word",
        "WORD",
        "km",
        "USA",
    }
    words |= {word.upper() for word in words} | {word.capitalize() for word in words}
    easy = 0
    for word, (before, after) in product(
        sorted(words), [("", tail) for tail in ("", ".", ":", "'", ".'", "'s", "'S")] + [("'", ""), ("'", "'")]
    ):
        chunk = before + word + after
        if chunk and chunks._is_easy(chunk):
            easy += 1
            assert chunks._cache[chunk] == " ".join(token.text.lower() for token in tokenizer(chunk))
    assert easy > 1_000


@pytest.mark.slow
def test_chunk_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaner = Cleaner()
    monkeypatch.setattr("pretrace.corpus.text.clean.CACHED_CHUNKS", 10)
    strings = len(cleaner.tokenizer.vocab.strings)
    for number in range(50):
        assert cleaner(f"word{number} é{number} x", 1) == f"word{number} é{number} x"
        assert len(cleaner.chunks) <= 14
    assert len(cleaner.tokenizer.vocab.strings) < strings + 20  # spaCy's own cache is emptied, too
