"""The next token of each text from its logits.

Shapes: N texts, V vocabulary, K most likely tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens.vocabulary import Vocabulary


def draw(logits_NV: Tensor, generators: Sequence[torch.Generator], settings: GenerationSettings) -> list[int]:
    """Return a token for each text; one of those with the largest logit at temperature 0.

    Each text's generator draws as `torch.multinomial` does for that text alone, so texts do not depend on each other.
    """
    if settings.temperature == 0:
        greedy: list[int] = logits_NV.argmax(-1).tolist()
        return greedy
    weights_NK, ids_NK = likely(logits_NV, settings)
    waits_NK = torch.empty_like(weights_NK)
    for waits_K, generator in zip(waits_NK, generators, strict=True):
        waits_K.exponential_(generator=generator)
    chosen_N1 = (weights_NK / waits_NK).argmax(-1, keepdim=True)
    drawn: list[int] = ids_NK.gather(1, chosen_N1)[:, 0].tolist()
    return drawn


def likely(logits_NV: Tensor, settings: GenerationSettings) -> tuple[Tensor, Tensor]:
    """Return the tokens (N, K) that the next one is drawn from, the likeliest first, and before them their weights.

    Weights are in proportion to the probabilities; those cut off by `top_p` are 0.
    """
    top = logits_NV.topk(min(settings.top_k or logits_NV.shape[1], logits_NV.shape[1]))
    weights_NK = torch.softmax(top.values / settings.temperature, -1)
    if settings.top_p < 1:
        before_NK = weights_NK.cumsum(-1) - weights_NK
        weights_NK = weights_NK.masked_fill(before_NK >= settings.top_p, 0.0)
    return weights_NK, top.indices


def allowed(logits_NV: Tensor, vocabulary: Vocabulary) -> Tensor:
    """Return logits, or their logarithms, without the token of what is unknown, which no text has.

    Raises:
        PretraceError: some are not finite.
    """
    if not torch.isfinite(logits_NV.sum(-1)).all():  # a sum is faster to look at than each, and as telling
        raise PretraceError("the model's logits are not finite; its weights are damaged")
    if vocabulary.unknown_id is None:
        return logits_NV
    masked_NV = logits_NV.clone()
    masked_NV[:, vocabulary.unknown_id] = -torch.inf
    return masked_NV
