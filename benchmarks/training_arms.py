"""A pre-training step, ours and with transformers, on the same weights and tokens: the arms of training.py.

All clip gradients and decay the same tensors, so that they compute the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from turns import Step, plain_adamw, through_the_loop, transformers_model

from pretrace.settings import ModelSettings, ObjectiveSettings, OptimizerSettings

DROPOUT = 0.1
OPTIMIZER = OptimizerSettings(optimizer="adamw", weight_decay=0.01, beta1=0.9, beta2=0.99, clip_norm=1.0)
RATE = 2.5e-4
SEED = 7


@dataclass(frozen=True)
class Size:
    """A training: the model, its vocabulary, the batch size, without micro-batches, and what is predicted."""

    name: str
    model: ModelSettings
    vocabulary: int
    batch: int
    threads: int
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)


def model_of(size: Size) -> Any:
    """Return our model, with the initial weights of all arms."""
    from pretrace.model import Transformer

    return Transformer(size.model, size.vocabulary, SEED)


def batches(size: Size) -> Callable[[int], Any]:
    """Return a function from a step to token ids, the same for all arms, with word-like (Zipf) frequencies."""
    import torch

    weights_V = 1.0 / torch.arange(10, size.vocabulary + 10)

    def batch(step: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(step)
        shape = (size.batch, size.model.context)
        return torch.multinomial(weights_V, shape[0] * shape[1], True, generator=generator).view(shape)

    return batch


def objective_of(size: Size) -> Any:
    """Return the objective; special tokens are the first ids."""
    from pretrace.training.objectives.choose import choose_objective
    from pretrace.training.objectives.special_tokens import SpecialTokens

    special = SpecialTokens(mask=0, first=1, separator=2, padding=3, sentence_ends=(4,))
    return choose_objective(size.objective, special, size.vocabulary)


def ours(size: Size, precision: str) -> Step:
    """Return a step as the pipeline runs it."""
    from pretrace.training.engine.device import choose_device
    from pretrace.training.engine.optimizer import build_optimizer
    from pretrace.training.objectives import MicroBatch

    device = choose_device(precision, size.threads)
    model, ids, objective = model_of(size), batches(size), objective_of(size)
    optimizer = build_optimizer(model, OPTIMIZER)

    def losses(step: int, with_dropout: bool) -> Any:
        read = objective.example(ids(step).numpy())
        batch = MicroBatch(read.ids_BT, range(size.batch), size.batch, SEED, step, read.masked)
        yield objective.loss(model, batch, DROPOUT if with_dropout else 0.0, device)

    return through_the_loop(model, optimizer, RATE, OPTIMIZER.clip_norm, SEED, losses)


def plain(size: Size, folder: Path, best: bool = False) -> Step:
    """Return a step with transformers: its defaults in float32, or compiled, in bfloat16, with the fused AdamW."""
    import contextlib

    import torch

    torch.set_num_threads(size.threads)
    model, batch = transformers_model(model_of(size), folder, DROPOUT), batches(size)
    objective = objective_of(size)
    optimizer = plain_adamw([*model.parameters()], OPTIMIZER, RATE, fused=best)
    forward = torch.compile(model) if best else model

    def run_step(step: int, with_dropout: bool) -> float:
        inputs = transformers_inputs(objective.example(batch(step).numpy()))
        model.train(with_dropout)
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16) if best else contextlib.nullcontext():
            loss = forward(**inputs).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), OPTIMIZER.clip_norm)
        optimizer.step()
        return float(loss.detach())

    return run_step


def transformers_inputs(read: Any) -> dict[str, Any]:
    """Return the arguments of transformers' models for the sequences of an objective, none of them padded."""
    if read.masked is None:
        return {"input_ids": read.ids_BT, "labels": read.ids_BT}
    rows = read.masked
    labels = rows.targets_BT.masked_fill(rows.targets_BT < 0, -100)
    segments, pairs = rows.segments_BT, rows.random_B
    return {"input_ids": read.ids_BT, "labels": labels, "token_type_ids": segments, "next_sentence_label": pairs}
