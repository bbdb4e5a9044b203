"""The fingerprint of a pre-training: of all that its weights depend on."""

from __future__ import annotations

from typing import Any

from pretrace.common.code import code_hash
from pretrace.schemas.tokens import Manifest
from pretrace.settings import Settings
from pretrace.training.engine.device import Device
from pretrace.training.engine.fingerprint import fingerprint
from pretrace.training.objectives import Objective
from pretrace.training.pretraining.initial_weights import weights_sha256
from pretrace.training.pretraining.plan import Plan

TRAINER = "pretrace.training.pretraining.trainer"
LENGTHS = ("steps", "tokens", "flops")
"""Ways to state how long to train, which are all steps in the end."""
LEFT_OUT: Any = {"objective": {"evaluation_memory"}, **dict.fromkeys(("checkpoint_every", *LENGTHS), True)}
"""Settings of pre-training that decide nothing about the weights."""


def run_fingerprint(
    seed: int, settings: Settings, manifest: Manifest, device: Device, processes: int, objective: Objective
) -> str:
    """Return the hash that names a pre-training. How often it saves is no part of it.

    Args:
        manifest: of the shards.
        processes: ranks that share a batch.
    """
    scale, start = settings.scale, settings.pretrain.continue_from
    shared_by = None if scale.pretrain.unit and device.name == "cpu" else processes  # by unit any number will do
    begins_with = {"initial_weights": weights_sha256(start)} if start else {}
    return fingerprint(
        kind=scale.kind,
        model=scale.sizes.model_dump(exclude_defaults=True),
        context=scale.model.context,
        seed=seed,
        pretrain=scale.pretrain.model_dump(exclude=LEFT_OUT, exclude_defaults=True),
        steps=Plan(scale).steps,
        processes=(shared_by, scale.threads),
        device=(device.name, str(device.dtype)),
        shards=manifest.as_json(),
        **objective.fingerprint(),
        code=[code_hash(module) for module in (TRAINER, type(objective).__module__)],  # it imports no objective
        **begins_with,
    )
