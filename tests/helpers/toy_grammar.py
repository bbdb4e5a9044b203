"""A corpus of a toy grammar with special tokens, for masked language modeling: words that their neighbors tell.

A document has one topic of `TOPICS`. Its sentences have three to five words and a full stop: the words of its topic in
their order, from a random one on, so that each word follows from any neighbor.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pretrace.corpus import Document, write_documents
from pretrace.settings import Settings
from pretrace.tokens.shards import write_shards
from pretrace.tokens.word_cache import id_type
from pretrace.training.objectives.special_tokens import SpecialTokens
from tests.helpers.small_training import settings_with

TOPICS, WORDS_OF_TOPIC, FIRST_WORD = 4, 5, 6
STOP = 5
SPECIAL = SpecialTokens(mask=1, first=2, separator=3, padding=4, sentence_ends=(STOP,))
MASKED = {
    "model.attention": "full",
    "model.embedding_norm": True,
    "model.output": "transform",
    "pretrain.objective": {"kind": "masked"},
}
PAIRS = MASKED | {
    "model.segments": 2,
    "model.next_sentence": True,
    "pretrain.objective": {"kind": "masked", "next_sentence": True},
}


class ToyWords:
    """A vocabulary whose words are their ids, with BERT's special tokens."""

    size, fingerprint, document_end_id, unknown_id = FIRST_WORD + TOPICS * WORDS_OF_TOPIC, "e" * 64, 3, 0
    recipe = None

    def prepare(self, text: str) -> str:
        return text

    def encode_arrays(self, prepared: list[str]) -> list[np.ndarray]:
        return [np.array([int(word) for word in text.split()], id_type(self.size)) for text in prepared]


def sentence(random: np.random.Generator, topic: int) -> list[int]:
    """The ids of a sentence."""
    first, count = int(random.integers(WORDS_OF_TOPIC)), int(random.integers(3, 6))
    words = [FIRST_WORD + topic * WORDS_OF_TOPIC + (first + n) % WORDS_OF_TOPIC for n in range(count)]
    return [*words, STOP]


def make_toy_shards(folder: Path, documents: int = 60, sentences: int = 8, mix: dict[str, float] | None = None) -> Path:
    """Shards of the toy grammar; a document has up to `sentences` sentences. With `mix`, its source is its topic."""
    random = np.random.default_rng(0)
    for split, count in (("train", documents), ("validation", max(4, documents // 8))):
        texts = []
        for number in range(count):
            topic, own = number % TOPICS, int(random.integers(1, sentences + 1))
            texts.append(" ".join(str(word) for _ in range(own) for word in sentence(random, topic)))
        write_documents(
            folder / "clean" / split,
            [Document(f"{split}{n:03d}", str(n % TOPICS) if mix else "s", text) for n, text in enumerate(texts)],
        )
    write_shards(folder / "clean", ToyWords(), folder / "shards", mix=mix)
    return folder / "shards"


def masked_settings(changes: dict[str, Any] | None = None, pairs: bool = False) -> Settings:
    """The small settings for masked tokens, with or without pairs."""
    return settings_with({**(PAIRS if pairs else MASKED), **(changes or {})})
