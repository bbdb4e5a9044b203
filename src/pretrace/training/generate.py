"""Text from a language model: the next token drawn from its most likely ones, again and again."""

from __future__ import annotations

from typing import Any

import torch

from pretrace.vocabulary.load import Vocabulary

SAMPLE_TOKENS = 40
TOP = 40
"""Most likely tokens that one is drawn from."""
PROMPTS = ("", "this is", "the", "it was", "if you")
"""Beginnings that most English text knows; the first is a new line."""


@torch.no_grad()
def generate(model: Any, vocabulary: Vocabulary, prompt: str, tokens: int, seed: int, temperature: float = 0.8) -> str:
    """Continue a prompt (raw text) by so many tokens; returns the cleaned prompt with its continuation.

    Args:
        temperature: divides the logits; 0 takes the most likely token each time.
        seed: the same seed gives the same text.
    """
    generator = torch.Generator().manual_seed(seed)
    device = next(model.parameters()).device
    ids = [vocabulary.newline_id, *vocabulary.encode(prompt)]
    for _ in range(tokens):
        logits_V = model(torch.tensor([ids[-model.context :]], device=device))[0, -1].float().cpu()
        logits_V[vocabulary.unknown_id] = -torch.inf
        if temperature == 0:
            ids.append(int(logits_V.argmax()))
            continue
        top = logits_V.topk(min(TOP, len(logits_V)))
        drawn = torch.multinomial(torch.softmax(top.values / temperature, -1), 1, generator=generator)
        ids.append(int(top.indices[drawn]))
    return vocabulary.decode(ids).strip()


def samples(model: Any, vocabulary: Vocabulary, seed: int) -> list[dict[str, str]]:
    """A few short texts for the report."""
    return [
        {"prompt": prompt, "text": generate(model, vocabulary, prompt, SAMPLE_TOKENS, seed + number)}
        for number, prompt in enumerate(PROMPTS)
    ]
