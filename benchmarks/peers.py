"""Other tokenizers: Hugging Face's tokenizers, and sentencepiece on the text itself."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from pretrace.tokens.train_bpe import OPTIONS


def train_hugging_face(lines: list[str], size: int) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<unk>"], end_of_word_suffix="</w>", show_progress=False
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def train_sentencepiece(lines: list[str], size: int, coverage: float) -> bytes:
    """Train the same tokens from the text itself, with the settings of `pretrace.tokens.train_bpe`."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        vocab_size=size,
        character_coverage=coverage,
        **OPTIONS,
    )
    return model.getvalue()


def tokens_of(model: bytes) -> list[str]:
    import sentencepiece

    loaded = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [loaded.id_to_piece(index) for index in range(loaded.get_piece_size())]


def write_vocabulary(tokenizer: Any, out: Path) -> None:
    """Write OpenAI's format, with the line end as a token of its own."""
    model = json.loads(tokenizer.to_str())["model"]
    ids = {**model["vocab"], "\n</w>": len(model["vocab"])}
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in model["merges"]]
    (out / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    (out / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")


def load_hugging_face(folder: Path) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    files = (str(folder / "vocab.json"), str(folder / "merges.txt"))
    tokenizer = Tokenizer(models.BPE.from_file(*files, unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    return tokenizer
