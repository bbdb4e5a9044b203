"""The models: transformer and LSTM, their loss, and their files."""

from pretrace.model.build import build_model
from pretrace.model.gpt import GPT
from pretrace.model.lstm import LSTM
from pretrace.model.weights import load_model, save_model

__all__ = ["GPT", "LSTM", "build_model", "load_model", "save_model"]
