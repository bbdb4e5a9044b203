"""Text from a language model: the next token drawn from its most likely ones, again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pretrace.model.kv_cache import CachedGPT, read_at_most
from pretrace.model.transformer import GPT
from pretrace.tokens.load import Vocabulary

SAMPLE_TOKENS = 40
TOP = 40
"""Most likely tokens that one is drawn from."""
PROMPTS = ("", "this is", "the", "it was", "if you")
"""Beginnings that most English text knows; the first is a new line."""


@torch.inference_mode()
def generate(
    model: Any,
    vocabulary: Vocabulary,
    prompt: str,
    tokens: int,
    seed: int,
    temperature: float = 0.8,
    most_likely: int = TOP,
) -> str:
    """Continue a prompt (raw text) by so many tokens; returns the cleaned prompt with its continuation.

    A transformer reads each token once, as long as prompt and continuation are within its context; after that the
    last `context - 1` tokens are read anew for each next one.

    Args:
        temperature: divides the logits; 0 takes the most likely token each time.
        seed: the same seed gives the same text.
        most_likely: how many tokens one is drawn from.
    """
    generator = torch.Generator().manual_seed(seed)
    next_logits = reader(model)
    ids = [vocabulary.newline_id, *vocabulary.encode(prompt)]
    for _ in range(tokens):
        logits_V = next_logits(ids).float().cpu()
        logits_V[vocabulary.unknown_id] = -torch.inf
        if temperature == 0:
            ids.append(int(logits_V.argmax()))
            continue
        top = logits_V.topk(min(most_likely, len(logits_V)))
        drawn = torch.multinomial(torch.softmax(top.values / temperature, -1), 1, generator=generator)
        ids.append(int(top.indices[drawn]))
    return vocabulary.decode(ids).strip()


def reader(model: Any) -> Callable[[list[int]], Tensor]:
    """What gives the logits of the token after some ids, which grow from call to call."""
    if isinstance(model, GPT):
        return CachedGPT(model).logits
    device, longest = next(model.parameters()).device, read_at_most(model.context)
    return lambda ids: model(torch.tensor([ids[-longest:]], device=device))[0, -1]


def samples(model: Any, vocabulary: Vocabulary, seed: int) -> list[dict[str, str]]:
    """A few short texts for the report."""
    return [
        {"prompt": prompt, "text": generate(model, vocabulary, prompt, SAMPLE_TOKENS, seed + number)}
        for number, prompt in enumerate(PROMPTS)
    ]
