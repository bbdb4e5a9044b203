"""Training of a vocabulary of the kind that the scale names, and measures of any vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pretrace.corpus.text.count_words import count_raw_words
from pretrace.corpus.text.prepared_text import PreparedText
from pretrace.corpus.text.recipe import ENGLISH, Gpt1Words, Recipe
from pretrace.settings import VocabularySettings, Workers
from pretrace.tokens.bert_text import BertText
from pretrace.tokens.train_bpe import train_vocabulary, write_word_counts
from pretrace.tokens.train_by_library import train_byte_bpe, train_wordpiece
from pretrace.tokens.train_words import train_words
from pretrace.tokens.vocabulary import Vocabulary


def train_on_documents(
    chosen: VocabularySettings,
    documents: Path,
    out: Path,
    scratch: Path,
    prepared: Path,
    workers: Workers | None,
    language: str = ENGLISH,
) -> dict[str, Any]:
    """Train a vocabulary into the folder `out`, from the raw text of a folder of documents.

    Args:
        scratch: a folder for counts of words.
        prepared: the folder of text that recipes have prepared (`PreparedText`).
        language: of GPT-1's words.

    Returns:
        Numbers for the report.

    Raises:
        PretraceError: the documents are missing, or have too little text for so many tokens.
    """
    words = Gpt1Words(language)
    recipes: dict[str, Recipe] = {"words_bpe": words, "words": words, "wordpiece": BertText(chosen.lower_case)}
    text = PreparedText(recipes.get(chosen.kind), prepared, workers)

    def texts() -> Iterator[str]:
        return (document.text for document in text.documents(documents))

    if chosen.kind == "byte_bpe":
        return train_byte_bpe(texts, out, chosen.size)
    if chosen.kind == "wordpiece":
        return train_wordpiece(texts, out, chosen.size, chosen.lower_case)
    write_word_counts(scratch / "counts.tsv", documents, text)
    if chosen.kind == "words":
        return train_words(scratch / "counts.tsv", out, chosen.size, chosen.min_count, language)
    return train_vocabulary(scratch / "counts.tsv", out, chosen.size, language)


def measure_vocabulary(vocabulary: Vocabulary, texts: Iterable[str]) -> dict[str, Any]:
    """Measure how well prepared texts are encoded: tokens/word, UTF-8 bytes/token, and the share of unknown tokens."""
    tokens = words = size = unknown = 0
    for text in texts:
        ids = vocabulary.encode_array(text)
        tokens += len(ids)
        unknown += 0 if vocabulary.unknown_id is None else int((ids == vocabulary.unknown_id).sum())
        words += count_raw_words(text)
        size += len(text.encode())
    return {
        "tokens_per_word": round(tokens / max(words, 1), 6),
        "bytes_per_token": round(size / max(tokens, 1), 6),
        "unknown_share": round(unknown / max(tokens, 1), 9),
    }
