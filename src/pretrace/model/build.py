"""Models by name, with random weights. Reads no files, so the fingerprint of a training depends on little code."""

from __future__ import annotations

from pretrace.model.elmo import Elmo
from pretrace.model.language_model import LanguageModel
from pretrace.model.lstm import LSTM
from pretrace.model.transformer import Transformer
from pretrace.model.word2vec import Word2Vec
from pretrace.settings import Scale

MODELS: dict[str, type[LanguageModel]] = {model.kind: model for model in (Transformer, LSTM, Word2Vec, Elmo)}
"""Classes of models by their kind."""


def build_model(scale: Scale, vocabulary_size: int, seed: int) -> LanguageModel:
    """Return a model of the scale's kind and sizes with random weights."""
    return MODELS[scale.kind].create(scale.sizes, vocabulary_size, scale.model.context, seed)
