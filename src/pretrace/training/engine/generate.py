"""Text generation: the next token is drawn from the most likely ones, again and again."""

from __future__ import annotations

import torch

from pretrace.model.language_model import LanguageModel
from pretrace.tokens.vocabulary import Vocabulary

SAMPLE_TOKENS = 40
TOP = 40
"""Most likely tokens that one is drawn from."""
PROMPTS = ("", "this is", "the", "it was", "if you")
"""Beginnings that most English text knows; the first is a new line."""


@torch.inference_mode()
def generate(
    model: LanguageModel,
    vocabulary: Vocabulary,
    prompt: str,
    tokens: int,
    seed: int,
    temperature: float = 0.8,
    most_likely: int = TOP,
) -> str:
    """Continue a prompt (raw text) by so many tokens; return the prompt, as its tokens read, with its continuation.

    A transformer reads each token once, as long as prompt and continuation are within its context; after that the
    last `context - 1` tokens are read anew for each next one.

    Args:
        temperature: divides the logits; 0 takes the most likely token each time.
        seed: the same seed gives the same text.
        most_likely: how many tokens one is drawn from.
    """
    generator = torch.Generator().manual_seed(seed)
    next_logits = model.next_token_logits()
    ids = [vocabulary.document_end_id, *vocabulary.encode(prompt)]
    for _ in range(tokens):
        logits_V = next_logits(ids).float().cpu()
        if vocabulary.unknown_id is not None:
            logits_V[vocabulary.unknown_id] = -torch.inf
        if temperature == 0:
            ids.append(int(logits_V.argmax()))
            continue
        top = logits_V.topk(min(most_likely, len(logits_V)))
        drawn = torch.multinomial(torch.softmax(top.values / temperature, -1), 1, generator=generator)
        ids.append(int(top.indices[drawn]))
    return vocabulary.decode(ids[1:]).strip()


def generate_samples(model: LanguageModel, vocabulary: Vocabulary, seed: int) -> list[dict[str, str]]:
    """Return a few short texts for the report: rows of `prompt` and `text`."""
    return [
        {"prompt": prompt, "text": generate(model, vocabulary, prompt, SAMPLE_TOKENS, seed + number)}
        for number, prompt in enumerate(PROMPTS)
    ]
