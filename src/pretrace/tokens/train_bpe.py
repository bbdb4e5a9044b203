"""Training of a byte-pair encoding from word counts.

Merges never cross a word, so the counts are all that training needs: the trainer never sees the corpus, and memory
grows with the number of distinct words.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder, sha256_of_file, write_text
from pretrace.common.open_file import open_file
from pretrace.corpus.documents import document_parts, read_documents
from pretrace.corpus.parallel import map_in_order
from pretrace.corpus.text.prepared_text import PRELOAD, WORKERS_FROM_BYTES, PreparedText
from pretrace.corpus.text.recipe import ENGLISH
from pretrace.corpus.text.word_counts import WordCounts, by_frequency, count_words_of
from pretrace.schemas.record import write_record
from pretrace.schemas.tokens import VocabularyRecord
from pretrace.tokens.load import DESCRIPTION
from pretrace.tokens.sentencepiece_bpe import END_OF_WORD, MODEL_FILE, SentencePieceVocabulary

KEY = "scales/<scale>.yaml: vocabulary.size"
THREADS = 2
"""Fixed, so that it does not depend on the machine. The result does not depend on it at all."""
LONGEST_TOKEN = 32
"""Characters; as many as GPT-1's longest token has."""
OPTIONS: dict[str, Any] = {
    "model_type": "bpe",
    "treat_whitespace_as_suffix": True,
    "normalization_rule_name": "identity",  # the text is clean already
    "split_by_unicode_script": False,
    "split_by_number": False,  # "21st" is one word
    "max_sentencepiece_length": LONGEST_TOKEN + 1,  # and the sign for the end of the word
    "max_sentence_length": 1 << 20,
    "user_defined_symbols": ["\n"],
    "unk_id": 0,
    "bos_id": -1,
    "eos_id": -1,
    "pad_id": -1,
    "num_threads": THREADS,
    "minloglevel": 2,
}
"""Arguments of sentencepiece's trainer, whatever the corpus."""
LEAST_COVERAGE = 0.98
"""The smallest share of the text whose characters become tokens."""
TOO_SMALL = re.compile(r"required_chars\. \d+ vs (\d+)")
TOO_LARGE = re.compile(r"(?:value <=|Vocabulary size too high).*?(\d+)\D*$", re.S)


def write_word_counts(path: Path, documents: Path, prepared: PreparedText) -> None:
    """Write the words of documents to a file, as `train_vocabulary` takes it: most frequent first, ties by word.

    Words are those between the spaces of the prepared text. Workers count them, a part each.

    Raises:
        PretraceError: the documents are missing or damaged.
    """
    parts = list(prepared.parts(document_parts(documents)).values())
    few = sum(part.stat().st_size for part in parts) < WORKERS_FROM_BYTES
    counts = WordCounts()
    for _, table in map_in_order(count_words_of_part, parts, None if few else prepared.workers, PRELOAD):
        counts.add(table)
    write_text(path, "".join(f"{word}\t{count}\n" for word, count in by_frequency(counts.total())))


def count_words_of_part(part: Path) -> Any:
    """Return Arrow's table of the words of a part of prepared documents and their counts."""
    return count_words_of(document.text.encode() for document in read_documents(part))


def train_vocabulary(counts: Path, out: Path, size: int, language: str = ENGLISH) -> dict[str, Any]:
    """Train `size` tokens from `counts` (word, tab, number) into the folder `out`; the same counts give the same bytes.

    The folder gets `vocabulary.model` and `vocabulary.json` (kind, size, fingerprint). The tokens include the unknown
    token (id 0) and the line end (id 1).

    Returns:
        Numbers for the report: size, distinct words, and the longest token.

    Raises:
        PretraceError: there are no counts, or too few words for so many tokens.
    """
    rows = _read_counts(counts)
    with atomic_folder(out) as temporary:
        (temporary / MODEL_FILE).write_bytes(_train(rows, size))
        fingerprint = sha256_of_file(temporary / MODEL_FILE)
        values: dict[str, Any] = {"kind": SentencePieceVocabulary.kind, "size": size, "fingerprint": fingerprint}
        if language != ENGLISH:  # a key that is not set is not written
            values["language"] = language
        description = VocabularyRecord(**values)
        write_record(temporary / DESCRIPTION, description)
        _, _, *tokens = SentencePieceVocabulary(temporary, description).tokens  # the first are no words
    longest = max((token.rstrip(END_OF_WORD) for token in tokens), key=lambda token: (len(token), token))
    return {"size": size, "distinct_words": len(rows), "longest_piece": longest}


def _train(rows: list[str], size: int) -> bytes:
    """Return the trained model, made without files: their names would become part of the model."""
    import io

    import sentencepiece

    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(rows),
            model_writer=model,
            input_format="tsv",
            vocab_size=size,
            character_coverage=_coverage(rows, size),
            **OPTIONS,
        )
    except (RuntimeError, OSError) as error:
        raise _explained(error, size, rows) from None
    return model.getvalue()


def _coverage(rows: list[str], size: int) -> float:
    """Return the share of the text whose characters become tokens: all, unless they take over a quarter of the tokens.

    Text from the web has thousands of characters that occur once; those become the unknown token.
    """
    characters: Counter[str] = Counter()
    for word, _, count in (row.partition("\t") for row in rows):
        for character in word:
            characters[character] += int(count)
    kept = characters.most_common(size // 4)
    share = sum(count for _, count in kept) / max(characters.total(), 1)
    return 1.0 if len(kept) == len(characters) else max(share, LEAST_COVERAGE)


def _explained(error: Exception, size: int, rows: list[str]) -> PretraceError:
    text = " ".join(str(error).split())
    if match := TOO_SMALL.search(text):
        return PretraceError(f"{KEY}: {size} tokens do not cover the corpus's characters; the least is {match[1]}")
    if match := TOO_LARGE.search(text):
        return PretraceError(f"{KEY}: {size} tokens are more than this corpus gives; the most is {match[1]}")
    return PretraceError(f"{KEY}: no vocabulary of {size} tokens from {len(rows)} words: {text}")


def _read_counts(path: Path) -> list[str]:
    with open_file(path, missing="no such file; `write_word_counts` makes it") as stream:
        rows = stream.read().decode().split("\n")
    rows = [row for row in rows if row and END_OF_WORD not in row]
    if not rows:
        raise PretraceError(f"{path}: no words to train a vocabulary from; is the corpus empty?")
    return rows
