"""Direct preference optimization (Rafailov et al. 2023): pairs without a reward model and without sampling."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from pretrace.common.code import code_hash
from pretrace.model.language_model import LanguageModel
from pretrace.settings.alignment.stages import DpoSettings
from pretrace.training.alignment.loop import Row, device_part, run_epochs
from pretrace.training.alignment.policy.sample import Sampler
from pretrace.training.alignment.reward.comparisons import Compared, Pairs, hash_of_rows, with_pairs
from pretrace.training.alignment.text.packing import PackedTexts, check_fits
from pretrace.training.engine.device import Device


def dpo_loss(
    policy: LanguageModel,
    reference: LanguageModel,
    rows: Sequence[Compared],
    sampler: Sampler,
    beta: float,
    device: Device,
) -> Tensor:
    """Return the mean over prompts of -log sigmoid(beta x difference of log-ratios), nats (equation 7).

    A log-ratio is that of the whole answer: the sum over its tokens.
    """
    packed = PackedTexts.of([text for row in rows for text in row.texts], device.name)
    own_K = sampler.likelihoods(policy, packed, device).chosen_K
    with torch.no_grad():
        other_K = sampler.likelihoods(reference, packed, device).chosen_K
    return Pairs.of(rows).loss(beta * packed.sums(own_K - other_K).cpu())


def train_dpo(
    name: str,
    policy: LanguageModel,
    reference: LanguageModel,
    rows: Sequence[Compared],
    sampler: Sampler,
    settings: DpoSettings,
    seed: int,
    device: Device,
    start: str,
    publish: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Train a policy, in place, on compared answers; return the curve.

    Args:
        start: hash of the weights that policy and reference have.

    Raises:
        PretraceError: no prompt has a pair, a text does not fit the context, or as `run_phase`.
    """
    used = with_pairs(rows, name)
    check_fits([text for row in used for text in row.texts], policy.context, name)

    def loss(step: int, numbers: np.ndarray) -> Tensor:
        return dpo_loss(policy, reference, [used[i] for i in numbers], sampler, settings.beta, device)

    parts = {
        "start": start,
        "rows": hash_of_rows(used),
        "sampler": (sampler.temperature, sampler.vocabulary.fingerprint),
        "device": device_part(device),
        "code": code_hash(__name__),
    }
    return run_epochs(name, policy, settings, len(used), loss, seed, parts, publish)
