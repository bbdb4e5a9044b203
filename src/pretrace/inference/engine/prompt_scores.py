"""Log-probabilities of a prompt's own tokens, for `echo`.

Shapes: T tokens, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pretrace.model import LanguageModel

AT_ONCE = 64
"""Positions whose logits are in memory at once."""


@dataclass(frozen=True)
class PromptScores:
    """Of each token after the first: the log-probability, and the likeliest tokens with theirs."""

    log_probabilities: list[float]
    likeliest: list[list[tuple[int, float]]]


@torch.inference_mode()
def score_prompt(model: LanguageModel, ids: list[int], likeliest: int) -> PromptScores:
    """Return the scores of a prompt of at most the context's tokens, in natural logarithms."""
    found = PromptScores([], [])
    if len(ids) < 2:
        return found
    h_TC = model.hidden(torch.tensor([ids[:-1]], device=model.token_embedding.weight.device))[0]
    targets_T = torch.tensor(ids[1:])
    for first in range(0, len(h_TC), AT_ONCE):
        log_p_TV = torch.log_softmax(model.logits(h_TC[first : first + AT_ONCE]).float().cpu(), -1)
        own_T1 = targets_T[first : first + AT_ONCE, None]
        found.log_probabilities.extend(log_p_TV.gather(1, own_T1)[:, 0].tolist())
        top = log_p_TV.topk(min(likeliest, log_p_TV.shape[1]))
        for indices, values in zip(top.indices.tolist(), top.values.tolist(), strict=True):
            found.likeliest.append(list(zip(indices, values, strict=True)))
    return found
