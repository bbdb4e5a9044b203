"""Training in arms that take turns: each in a process of its own, which runs steps on request.

An arm is a function that sets up a model in its process and returns `run_step(step, dropout)`, which runs a step and
returns its loss.
"""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from measure import Rounds, summary

from pretrace.common.processes import exit_with_pool_owner

Step = Callable[[int, bool], float]
Arm = Callable[[], Step]
EXACT_STEPS = 2
"""Steps without dropout, whose losses are compared; the first step with dropout, after them, is for warm-up."""


@dataclass(frozen=True)
class Turns:
    """Measurements of arms that took turns, by arm."""

    milliseconds: Rounds
    """Per step, of each round."""
    losses: dict[str, list[float]]
    """Of the first steps, without dropout."""
    memory: dict[str, dict[str, float]]
    """MB."""

    def named(self, names: Mapping[str, str]) -> Turns:
        """Return some of the arms, under other names."""
        fields = (self.milliseconds, self.losses, self.memory)
        return Turns(*({new: field[old] for old, new in names.items()} for field in fields))


def take_turns(
    work: str, arms: Mapping[str, Arm], rounds: int, steps: int, same_loss: Mapping[str, float]
) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """Return the result of `compared` for the arms of `run_in_turns`, and the memory of each arm."""
    turns = run_in_turns(arms, rounds, steps)
    return compared(work, turns, same_loss), turns.memory


class ArmError(Exception):
    """An arm could not be set up, or a step of it failed."""


def run_in_turns(
    arms: Mapping[str, Arm], rounds: int, steps: int, start: str = "spawn", until: float = math.inf
) -> Turns:
    """Run arms, each in a process of its own: `rounds` rounds of `steps` steps each, one arm at a time.

    Args:
        start: how processes start; "fork" is quicker, for a process that has PyTorch loaded and has not computed.
        until: no further round begins after this time, of `time.monotonic`; one is always run.

    Raises:
        ArmError: an arm failed.
    """
    context: Any = multiprocessing.get_context(start)
    pipes: dict[str, Connection] = {}
    losses, workers = {}, []
    try:
        for name, arm in arms.items():
            pipes[name], other = context.Pipe()
            workers.append(context.Process(target=_work, args=(arm, other), daemon=True))
            workers[-1].start()
            other.close()
            losses[name] = _answer(name, pipes[name])
        milliseconds: Rounds = {name: [] for name in arms}
        for number in range(rounds):
            if number and time.monotonic() > until:
                break
            for name in arms if number % 2 else reversed(arms):
                pipes[name].send(steps)
                milliseconds[name].append(1000 * _answer(name, pipes[name]) / steps)
        for pipe in pipes.values():
            pipe.send(0)
        memory = {name: _answer(name, pipe) for name, pipe in pipes.items()}
    finally:
        for worker in workers:
            worker.kill()
            worker.join()
    return Turns(milliseconds, losses, memory)


def _answer(name: str, pipe: Connection) -> Any:
    """Return what an arm sends next; raise the error that it sends instead."""
    try:
        answer = pipe.recv()
    except EOFError:
        answer = ArmError("its process died")
    if isinstance(answer, ArmError):
        raise ArmError(f"{name}: {answer}")
    return answer


def compared(work: str, turns: Turns, same_loss: Mapping[str, float]) -> dict[str, Any]:
    """Return milliseconds per step of each arm, and how far their losses without dropout are from those of `plain`.

    Args:
        same_loss: nats that count as the same, by arm.
    """
    plain = turns.losses["plain"]
    apart = {name: max(abs(a - b) for a, b in zip(own, plain, strict=True)) for name, own in turns.losses.items()}
    same = all(apart[name] <= same_loss[name] for name in apart)
    result = summary(work, "ms per step", turns.milliseconds, same, faster=-1)
    result["largest_difference_of_losses"] = {name: float(f"{value:.2g}") for name, value in apart.items()}
    return result


def _work(arm: Arm, pipe: Connection) -> None:
    """Answer the requests for an arm's steps; send an error as `ArmError`."""
    exit_with_pool_owner()
    try:
        _run(arm, pipe)
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        pipe.send(ArmError(f"{type(error).__name__}: {lines[0]}"))


def _run(arm: Arm, pipe: Connection) -> None:
    """Send the losses without dropout; then run as many steps as requested and send the time; 0 ends with memory."""
    run_step = arm()
    loaded = memory_now("VmRSS")
    losses = [run_step(step, False) for step in range(EXACT_STEPS)]
    run_step(EXACT_STEPS, True)
    pipe.send(losses)
    step = EXACT_STEPS + 1
    while count := pipe.recv():
        started = time.perf_counter()
        for number in range(count):
            run_step(step + number, True)
        pipe.send(time.perf_counter() - started)
        step += count
    pipe.send({"peak": memory_now("VmHWM"), "with_the_model_loaded": loaded, **gpu_memory()})


def through_the_loop(
    model: Any, optimizer: Any, rate: float, clip_norm: float, seed: int, losses: Callable[[int, bool], Iterator[Any]]
) -> Step:
    """Return a step as the pipeline runs it; `losses(step, dropout)` yields those of its micro-batches."""
    from pretrace.training.engine.loop import train_steps

    def run_step(step: int, with_dropout: bool) -> float:
        (done,) = train_steps(
            model,
            optimizer,
            [step],
            losses=lambda step: losses(step, with_dropout),
            learning_rate=lambda _: rate,
            clip_norm=clip_norm,
            seed=seed,
        )
        return done.loss

    return run_step


def transformers_model(model: Any, folder: Path, dropout: float) -> Any:
    """Return transformers' model of the same form with our weights, written to the empty `folder` on the way."""
    import transformers

    from pretrace.model.checkpoints.huggingface import write_huggingface

    name, _ = write_huggingface(folder, model).classes_of(model.settings)
    theirs = getattr(transformers, name).from_pretrained(folder)
    for module in theirs.modules():
        if type(module).__name__ == "Dropout":
            module.p = dropout
    return theirs


def plain_adamw(parameters: list[Any], settings: Any, rate: float, fused: bool = False) -> Any:
    """Return PyTorch's AdamW with decay on the same tensors as ours, so that the arms compute the same."""
    import torch

    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, betas=(settings.beta1, settings.beta2), fused=fused or None)


def memory_now(key: str) -> float:
    """Return the resident memory of this process in MB: current (VmRSS) or peak (VmHWM). Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(round(int(line.split()[1]) / 1000) for line in lines if line.startswith(key))


def gpu_memory() -> dict[str, float]:
    """Return the most memory of the GPU in MB that PyTorch has reserved for this process; nothing if it uses none."""
    import torch

    return {"gpu_peak": round(torch.cuda.max_memory_reserved() / 1e6)} if torch.cuda.is_initialized() else {}
