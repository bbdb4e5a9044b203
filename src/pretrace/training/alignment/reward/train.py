"""Training of the reward model: the second step of InstructGPT. All answers of a prompt are in one forward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from pretrace.common.code import code_hash
from pretrace.settings.alignment.stages import RewardSettings
from pretrace.training.alignment.loop import Row, device_part, run_epochs
from pretrace.training.alignment.reward.comparisons import Compared, Pairs, hash_of_rows, with_pairs
from pretrace.training.alignment.reward.scalar_model import ScalarModel, calibrate
from pretrace.training.alignment.sft import hash_of_texts
from pretrace.training.alignment.text.conversation import Rendered
from pretrace.training.alignment.text.packing import PackedTexts, check_fits
from pretrace.training.engine.device import Device


def reward_loss(model: ScalarModel, rows: Sequence[Compared], use_margin: bool, device: Device) -> Tensor:
    """Return the loss (nats) of some prompts."""
    packed = PackedTexts.of([text for row in rows for text in row.texts], device.name)
    with device.autocast():
        rewards_B = model(packed, packed.last_B)
    return Pairs.of(rows, use_margin).loss(rewards_B.cpu())


def train_reward_model(
    name: str,
    model: ScalarModel,
    rows: Sequence[Compared],
    start_answers: Sequence[Rendered],
    settings: RewardSettings,
    seed: int,
    device: Device,
    start: str,
    publish: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Train a reward model, in place, on compared answers; return the curve.

    Args:
        start_answers: texts of the start policy, whose rewards have mean 0 and variance 1 before training and after.
        start: hash of the weights that the body has.

    Raises:
        PretraceError: no prompt has a pair, a text does not fit the context, or as `run_phase`.
    """
    used = with_pairs(rows, name)
    check_fits([text for row in used for text in row.texts], model.body.context, name)
    calibrate(model, start_answers, device)

    def loss(step: int, numbers: np.ndarray) -> Tensor:
        return reward_loss(model, [used[number] for number in numbers], settings.use_margin, device)

    parts = {
        "start": start,
        "rows": hash_of_rows(used),
        "answers": hash_of_texts(start_answers),
        "device": device_part(device),
        "code": code_hash(__name__),
    }
    curve = run_epochs(name, model, settings, len(used), loss, seed, parts, publish)
    calibrate(model, start_answers, device)
    return curve
