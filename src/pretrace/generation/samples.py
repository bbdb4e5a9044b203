"""Short texts for the report, which show what a model has learned."""

from __future__ import annotations

from pretrace.generation.generate import generate
from pretrace.generation.prompt import prompt_of
from pretrace.model import LanguageModel
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens.vocabulary import Vocabulary

PROMPTS = ("", "this is", "the", "it was", "if you")
"""Beginnings that most English text knows; the first is a new line."""


def generate_samples(model: LanguageModel, vocabulary: Vocabulary, seed: int) -> list[dict[str, str]]:
    """Return rows of `prompt` and `text`, the continued prompt, with the defaults of `GenerationSettings`."""
    prompts = [prompt_of(vocabulary, text, seed + number) for number, text in enumerate(PROMPTS)]
    found = generate(model, vocabulary, prompts, GenerationSettings())
    return [
        {"prompt": text, "text": vocabulary.decode(prompt.ids[1:] + one.ids).strip()}
        for text, prompt, one in zip(PROMPTS, prompts, found, strict=True)
    ]
