"""GPT-2's byte-level tokens of raw text, against Hugging Face's tokenizers with the same vocabulary."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

from measure import in_turns, size_of, summary

ROUNDS = 3
TOKENS = 16_000
CHARACTERS = 8_000_000
"""Text that is enough: training takes time for each merge."""


def compare_byte_level(texts: list[str]) -> list[dict[str, Any]]:
    """Compare training (s) and encoding of whole documents by `encode_batch_fast` (MB/s), both from nothing known.

    Training uses all cores in both arms; encoding one thread: both can run on more, ours by `workers`.
    """
    texts = _first(texts)
    from pretrace.tokens import load_vocabulary
    from pretrace.tokens.train_by_library import train_byte_bpe

    with tempfile.TemporaryDirectory() as name:
        ours = Path(name) / "ours"
        trainings: dict[str, Callable[[], Any]] = {
            "ours": lambda: train_byte_bpe(lambda: texts, ours, TOKENS),
            "hugging_face": lambda: _train(texts),
        }
        training, made = in_turns(trainings, ROUNDS)
        same = _tokens(made["hugging_face"]) == list(json.loads((ours / "encoder.json").read_text()))[:-1]
        results = [summary("byte-level vocabulary", "s", training, same, faster=-1, other="hugging_face")]

        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        theirs = made["hugging_face"].to_str()
        encodings: dict[str, Callable[[], Any]] = {
            "ours": lambda: [ids.tolist() for ids in load_vocabulary(ours).encode_arrays(texts)],
            "hugging_face": lambda: _encode(theirs, texts),
        }
        seconds, ids = in_turns(encodings, ROUNDS)
        rates = {arm: [size_of(texts) / 1e6 / spent for spent in rounds] for arm, rounds in seconds.items()}
        same = ids["ours"] == ids["hugging_face"]
        results.append(summary("byte-level encoding", "MB/s", rates, same, faster=1, other="hugging_face"))
    return results


def _first(texts: list[str]) -> list[str]:
    ends = accumulate(map(len, texts))
    return [text for text, end in zip(texts, ends, strict=True) if end <= CHARACTERS] or texts[:1]


def _train(texts: list[str]) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=TOKENS - 1, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _tokens(tokenizer: Any) -> list[str]:
    ids: dict[str, int] = tokenizer.get_vocab()
    return sorted(ids, key=ids.__getitem__)


def _encode(tokenizer: str, texts: list[str]) -> list[list[int]]:
    from tokenizers import Tokenizer

    opened = Tokenizer.from_str(tokenizer)
    return [encoding.ids for encoding in opened.encode_batch_fast(texts, add_special_tokens=False)]
