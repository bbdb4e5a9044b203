"""Models with random weights, by the name of their kind. Knows nothing of files, so training rests on little code."""

from __future__ import annotations

from pretrace.model.lstm import LSTM
from pretrace.model.transformer import GPT
from pretrace.settings import Scale


def build_model(kind: str, scale: Scale, vocabulary_size: int, seed: int) -> GPT | LSTM:
    """A model with random weights: `transformer` or `lstm`, of the scale's sizes."""
    if kind == "transformer":
        return GPT(scale.model, vocabulary_size, seed)
    return LSTM(scale.lstm, vocabulary_size, scale.model.context, seed)
