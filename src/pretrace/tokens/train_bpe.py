"""Byte-pair encoding from word counts.

Merges never cross a word, so the counts are all that training needs: the corpus itself is not read, and memory goes
with the number of distinct words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder, sha256_of_file, write_json
from pretrace.corpus.text.count_words import count_words
from pretrace.tokens.load import Vocabulary
from pretrace.tokens.sentencepiece_bpe import END_OF_WORD, MODEL_FILE, PieceVocabulary

KEY = "scales/<scale>.yaml: vocabulary.size"
THREADS = 2
"""Fixed: it shall not depend on the machine. The result does not depend on it at all."""
LONGEST_PIECE = 32
"""Characters; the longest of GPT-1's pieces has as many."""
OPTIONS: dict[str, Any] = {
    "model_type": "bpe",
    "treat_whitespace_as_suffix": True,
    "normalization_rule_name": "identity",  # the text is clean already
    "split_by_unicode_script": False,
    "split_by_number": False,  # "21st" is one word
    "max_sentencepiece_length": LONGEST_PIECE + 1,  # and the sign for the end of the word
    "max_sentence_length": 1 << 20,
    "user_defined_symbols": ["\n"],
    "unk_id": 0,
    "bos_id": -1,
    "eos_id": -1,
    "pad_id": -1,
    "num_threads": THREADS,
    "minloglevel": 2,
}
"""For sentencepiece's trainer, whatever the corpus."""
LEAST_COVERAGE = 0.98
"""Share of the text whose characters sentencepiece keeps at the least."""
TOO_SMALL = re.compile(r"required_chars\. \d+ vs (\d+)")
TOO_LARGE = re.compile(r"(?:value <=|Vocabulary size too high).*?(\d+)\D*$", re.S)


def train_vocabulary(counts: Path, out: Path, size: int) -> dict[str, Any]:
    """Train `size` pieces from `counts` (word, tab, number) into the folder `out`; the same counts give the same bytes.

    The folder gets `vocabulary.model` and `vocabulary.json` (kind, size, fingerprint). The pieces include the unknown
    piece (id 0) and the line end (id 1).

    Returns:
        Numbers for the report: size, distinct words, and the longest piece.

    Raises:
        PretraceError: there are no counts, or too few words for so many pieces.
    """
    rows = _read_counts(counts)
    with atomic_folder(out) as temporary:
        (temporary / MODEL_FILE).write_bytes(_train(rows, size))
        fingerprint = sha256_of_file(temporary / MODEL_FILE)
        # The first two pieces are not words: the unknown piece and the line end.
        description = {"kind": PieceVocabulary.kind, "size": size, "fingerprint": fingerprint}
        write_json(temporary / "vocabulary.json", description)
        pieces = [piece.rstrip(END_OF_WORD) for piece in PieceVocabulary(temporary, description).pieces[2:]]
    longest = max(pieces, key=lambda piece: (len(piece), piece))
    return {"size": size, "distinct_words": len(rows), "longest_piece": longest}


def measure_vocabulary(vocabulary: Vocabulary, texts: Iterable[str]) -> dict[str, Any]:
    """How well cleaned texts are encoded: tokens a word, bytes (UTF-8) a token, and the share of unknown tokens."""
    tokens = words = size = unknown = 0
    for text in texts:
        ids = vocabulary.encode_array(text)
        tokens += len(ids)
        unknown += int((ids == vocabulary.unknown_id).sum())
        words += count_words(text)
        size += len(text.encode())
    return {
        "tokens_per_word": round(tokens / max(words, 1), 6),
        "bytes_per_token": round(size / max(tokens, 1), 6),
        "unknown_share": round(unknown / max(tokens, 1), 9),
    }


def _train(rows: list[str], size: int) -> bytes:
    """The trained model. Rows go in and bytes come out without files, whose names would become part of the model."""
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
    """Share of the text whose characters become pieces: all, unless they would take over a quarter of the pieces.

    Text from the web has thousands of characters that stand there once; those become the unknown piece.
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
    if found := TOO_SMALL.search(text):
        return PretraceError(f"{KEY}: {size} pieces do not hold the corpus's characters; {found[1]} are the least")
    if found := TOO_LARGE.search(text):
        return PretraceError(f"{KEY}: {size} pieces are more than this corpus gives; the most is {found[1]}")
    return PretraceError(f"{KEY}: no vocabulary of {size} pieces from {len(rows)} words: {text}")


def _read_counts(path: Path) -> list[str]:
    try:
        rows = Path(path).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise PretraceError(f"{path}: no such file; run the stage `clean`") from None
    rows = [row for row in rows if row and END_OF_WORD not in row]
    if not rows:
        raise PretraceError(f"{path}: no words to train a vocabulary from; is the corpus empty?")
    return rows
