"""The masks of masked language modeling, each a function of the sequence's random numbers alone."""

from __future__ import annotations

import numpy as np

from pretrace.settings import ObjectiveSettings
from pretrace.tokens.shards.sampler import TO_UNIT
from pretrace.training.objectives.special_tokens import SpecialTokens

NOTHING = -1
"""Target of a place where nothing is predicted."""


def masked_count(length: int, special: int, settings: ObjectiveSettings) -> int:
    """Return how many tokens of a sequence are predicted.

    Args:
        length: its tokens.
        special: of these, tokens that are never predicted.
    """
    return min(length - special, max(1, round(settings.mask_rate * length)))


def mask(
    ids: np.ndarray,
    special: SpecialTokens,
    settings: ObjectiveSettings,
    vocabulary_size: int,
    random: np.random.Philox,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the model reads in place of a sequence (T,), and its targets (T,): `NOTHING` but where masked.

    As BERT's code: the random tokens are any of the vocabulary.
    """
    candidates = np.flatnonzero(~np.isin(ids, special[:4]))
    count = masked_count(len(ids), len(ids) - len(candidates), settings)
    chosen = candidates[np.argsort(random.random_raw(len(candidates)), kind="stable")[:count]]
    kind, token = random.random_raw(2 * count).reshape(2, count)
    read, targets = ids.copy(), np.full_like(ids, NOTHING)
    targets[chosen] = ids[chosen]
    kind_share = kind * TO_UNIT
    replaced = kind_share < settings.mask_share
    drawn = ~replaced & (kind_share < settings.mask_share + settings.random_share)
    read[chosen[replaced]] = special.mask
    read[chosen[drawn]] = (token[drawn] % np.uint64(vocabulary_size)).astype(ids.dtype)
    return read, targets
