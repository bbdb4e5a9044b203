"""bfloat16 beside float32: the validation loss after the same steps on the same text.

    python benchmarks/precision.py data/shards/gpt1 1000      # folder of shards, steps

The model is the laptop scale's, with dropout; batches are of half its size, so that it takes minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from training_arms import DROPOUT

from pretrace.settings import load_settings

LIMIT = 0.005
"""Maximum relative difference of the losses."""
VALIDATION_SEQUENCES = 512


def compare_precision(shards: Path, steps: int = 1000) -> dict[str, Any]:
    """Return the validation loss (nats/token) after training in each precision, and their ratio."""
    losses = {name: trained(shards, steps, name) for name in ("float32", "bfloat16")}
    apart = abs(losses["bfloat16"] / losses["float32"] - 1)
    return {
        "work": "bfloat16 against float32",
        "unit": f"validation loss after {steps} steps",
        "medians": {name: round(loss, 5) for name, loss in losses.items()},
        "ratio": round(losses["bfloat16"] / losses["float32"], 5),
        "says": "times the loss of float32",
        "same": apart < LIMIT,
    }


def trained(shards: Path, steps: int, precision: str) -> float:
    """Return the validation loss after training in a precision."""
    import torch

    from pretrace.model import Transformer
    from pretrace.tokens.shards import batch_sequences, open_shards, read_manifest
    from pretrace.training.engine.device import choose_device
    from pretrace.training.engine.loop import train_steps
    from pretrace.training.engine.optimizer import build_optimizer
    from pretrace.training.objectives import MicroBatch
    from pretrace.training.objectives.causal_lm import CausalLM
    from pretrace.training.pretraining.evaluate import validation_losses
    from pretrace.training.pretraining.plan import Plan

    settings = load_settings()
    scale, seed = settings.scale, settings.pretrain.seeds[0]
    section, context = scale.pretrain, scale.model.context
    device, batch_size, objective = choose_device(precision, 1), Plan(scale).batch_size // 2, CausalLM()
    model = Transformer(scale.model, read_manifest(shards).vocabulary_size, seed)
    texts = open_shards(shards, "train")
    plan = Plan(scale)

    def losses(step: int) -> list[torch.Tensor]:
        ids = torch.from_numpy(batch_sequences(texts, context, range(step * batch_size, (step + 1) * batch_size), seed))
        batch = MicroBatch(ids, range(batch_size), batch_size, seed, step)
        return [objective.loss(model, batch, DROPOUT, device)]

    for _ in train_steps(
        model,
        build_optimizer(model, section),
        range(steps),
        losses=losses,
        learning_rate=lambda step: plan.learning_rate(step * plan.steps // steps),
        clip_norm=section.clip_norm,
        seed=seed,
    ):
        pass
    sequences = objective.validation(open_shards(shards, "validation"), context).first(VALIDATION_SEQUENCES)
    return validation_losses(model, objective, sequences, choose_device("float32", 1))["val_loss"]


if __name__ == "__main__":
    print(compare_precision(Path(sys.argv[1]), int(sys.argv[2])))
