"""The models: transformer and LSTM, their loss, and their files."""

from pretrace.model.build import build_model
from pretrace.model.checkpoints.load import load_model, save_model
from pretrace.model.lstm import LSTM
from pretrace.model.transformer import GPT

__all__ = ["GPT", "LSTM", "build_model", "load_model", "save_model"]
