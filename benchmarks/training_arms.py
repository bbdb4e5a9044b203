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
BATCHES = 8
"""Different batches."""


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
    """Return a function from a step to token ids, the same for all arms, with word-like (Zipf) frequencies.

    They are drawn beforehand, so that no step waits for them, and repeat after `BATCHES` steps.
    """
    import torch

    weights_V = 1.0 / torch.arange(10, size.vocabulary + 10)
    shape = (size.batch, size.model.context)

    def drawn(step: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(step)
        return torch.multinomial(weights_V, shape[0] * shape[1], True, generator=generator).view(shape)

    kept = [drawn(step) for step in range(BATCHES)]
    return lambda step: kept[step % BATCHES]


def objective_of(size: Size) -> Any:
    """Return the objective; special tokens are the first ids."""
    from pretrace.training.objectives.choose import choose_objective
    from pretrace.training.objectives.special_tokens import SpecialTokens

    special = SpecialTokens(mask=0, first=1, separator=2, padding=3, sentence_ends=(4,))
    return choose_objective(size.objective, special, size.vocabulary)


def ours(size: Size, precision: str, compiled: bool = False) -> Step:
    """Return a step as the pipeline runs it.

    Raises:
        PretraceError: it was to be compiled, and that failed.
    """
    from pretrace.common.errors import PretraceError
    from pretrace.training.engine.compile import compile_blocks, is_compiled
    from pretrace.training.engine.device import choose_device
    from pretrace.training.engine.optimizer import build_optimizer

    device = choose_device(precision, size.threads)
    model, ids, objective = model_of(size).to(device.name), batches(size), objective_of(size)
    optimizer = build_optimizer(model, OPTIMIZER)

    def loss(step: int, with_dropout: bool) -> Any:
        return loss_of(model, objective, ids(step), step, DROPOUT if with_dropout else 0.0, device)

    said = compile_blocks(model, "on" if compiled else "off", device.name, 0.0, lambda: loss(0, True).backward())
    if compiled and not is_compiled(model):
        raise PretraceError(said)

    def losses(step: int, with_dropout: bool) -> Any:
        yield loss(step, with_dropout)

    return through_the_loop(model, optimizer, RATE, OPTIMIZER.clip_norm, SEED, losses)


def loss_of(model: Any, objective: Any, ids_BT: Any, step: int, dropout: float, device: Any) -> Any:
    """Return the loss of a whole batch, as pre-training computes it."""
    from pretrace.training.objectives import MicroBatch

    read = objective.example(ids_BT.numpy()).to(device.name)
    batch = MicroBatch(read.ids_BT, range(len(ids_BT)), len(ids_BT), SEED, step, read.masked)
    return objective.loss(model, batch, dropout, device)


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
