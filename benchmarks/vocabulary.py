"""A vocabulary and ids, against Hugging Face's tokenizers and sentencepiece on the same text."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import Rounds, in_turns, size_of, summary, timed
from peers import load_hugging_face, tokens_of, train_hugging_face, train_sentencepiece

from pretrace.tokens.train_bpe import _coverage, _train

TRAINING_ROUNDS, ENCODING_ROUNDS = 3, 5
MOST_TOKENS = 40_478


def lines_of(texts: list[str]) -> list[str]:
    return [line for text in texts for line in text.split("\n")]


def vocabulary_size(texts: list[str]) -> int:
    """Return the tokens of a vocabulary for these texts: as many as GPT-1 has, or as the texts give."""
    return min(MOST_TOKENS, len({word for line in lines_of(texts) for word in line.split(" ")}) // 2)


def compare_vocabulary(texts: list[str]) -> dict[str, Any]:
    """Compare training from word counts with Hugging Face's trainer and sentencepiece on the whole text; seconds.

    The result is the same if the tokens are sentencepiece's, in its order. Hugging Face's rule for ties is another.
    """
    lines = lines_of(texts)
    counts = Counter(word for line in lines for word in line.split(" "))
    rows = [f"{word}\t{count}" for word, count in sorted(counts.items(), key=lambda row: (-row[1], row[0]))]
    size = vocabulary_size(texts)
    ways: dict[str, Callable[[], Any]] = {
        "ours": lambda: _train(rows, size),
        "hugging_face": lambda: train_hugging_face(lines, size),
        "sentencepiece": lambda: train_sentencepiece(lines, size, _coverage(rows, size)),
    }
    rounds, made = in_turns(ways, TRAINING_ROUNDS)
    same = tokens_of(made["ours"]) == tokens_of(made["sentencepiece"])
    return summary("vocabulary", "s", rounds, same, faster=-1, other="hugging_face")


def compare_encoding(cleaned: list[str], vocabulary: Path) -> dict[str, Any]:
    """Compare encoding of cached words with `encode_batch_fast` of the same vocabulary; MB/s of clean text.

    One thread each: both can run on all cores, ours by `workers`.
    """
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from pretrace.tokens import load_vocabulary

    ours, theirs = load_vocabulary(vocabulary), load_hugging_face(vocabulary)
    spaced = [text.replace("\n", " \n ") for text in cleaned]
    ways: dict[str, Callable[[], list[list[int]]]] = {
        "ours": lambda: [ours.encode_array(text) for text in cleaned],
        "hugging_face": lambda: theirs.encode_batch_fast(spaced, add_special_tokens=False),
    }
    ids = {arm: ways[arm]() for arm in ways}
    same = all(a.tolist() == b.ids for a, b in zip(ids["ours"], ids["hugging_face"], strict=True))
    del ids
    rounds: Rounds = {arm: [] for arm in ways}
    for number in range(ENCODING_ROUNDS):
        for arm in sorted(ways, reverse=bool(number % 2)):
            _, spent = timed(ways[arm])
            rounds[arm].append(size_of(cleaned) / 1e6 / spent)
    return summary("encoding known words", "MB/s", rounds, same, faster=1, other="hugging_face")
