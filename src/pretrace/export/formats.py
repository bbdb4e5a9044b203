"""Export formats by name, and which models each of them can hold."""

from __future__ import annotations

from dataclasses import dataclass

from pretrace.model import LSTM, LanguageModel, Transformer
from pretrace.model.word2vec import Word2Vec


@dataclass(frozen=True)
class Format:
    """One export format."""

    library: str
    """Hugging Face's name of the library that opens it."""
    holds: tuple[type[LanguageModel], ...] = (Transformer, LSTM)
    """Language models that it can hold."""
    task_heads: bool = True
    """True if it can hold fine-tuned models."""


FORMATS = {
    "huggingface": Format("transformers", (Transformer,), task_heads=False),
    "openai": Format("numpy", (Transformer,), task_heads=False),
    "onnx": Format("onnx"),
    "torchscript": Format("pytorch"),
    "word2vec": Format("gensim", (Word2Vec,), task_heads=False),
}


def formats_for(model: LanguageModel, task_head: bool = False) -> list[str]:
    """Return the names of the formats that can hold a model, with a task's head or without."""
    return [
        name
        for name, format in FORMATS.items()
        if isinstance(model, format.holds) and (format.task_heads or not task_head)
    ]
