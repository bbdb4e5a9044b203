"""Text from a language model: many prompts at once, drawn token by token or by beam search."""

from pretrace.generation.batch import Batch, Row
from pretrace.generation.beam_search import beam_search
from pretrace.generation.generate import generate
from pretrace.generation.prompt import Generation, Limits, Prompt, prompt_of

__all__ = ["Batch", "Generation", "Limits", "Prompt", "Row", "beam_search", "generate", "prompt_of"]
