"""Language models: their interface, the transformer and the LSTM, kernels, and checkpoints."""

from pretrace.model.build import MODELS, build_model
from pretrace.model.checkpoints.load import load_model, save_model
from pretrace.model.language_model import LanguageModel
from pretrace.model.lstm import LSTM
from pretrace.model.transformer import Transformer

__all__ = ["LSTM", "MODELS", "LanguageModel", "Transformer", "build_model", "load_model", "save_model"]
