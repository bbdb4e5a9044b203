"""A dry run: a few optimizer steps of the real model on this device, to estimate time and memory of pre-training.

    python -m pretrace.preflight.timing gpt1 8

measures, with the settings of a system in the current folder, steps of which this process has 8 sequences, and prints
one JSON object. It runs in processes of its own, as many as train together: nothing is written, and global settings of
PyTorch end with the process. The tokens are random; their values do not change the cost of a step.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.processes import exit_with_parent
from pretrace.settings import Settings

SPECIAL = (0, 1, 2, 3)
"""Ids that stand for special tokens, which no random text has."""
SECONDS = 6.0
"""Approximate duration of the measurement. If a micro-batch takes longer, one of fewer sequences is measured."""
MIN_STEPS, MAX_STEPS = 2, 20
"""Steps that are measured."""
TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True)
class DryRun:
    """Measurements in one of the processes that train together."""

    device: str
    precision: str
    precision_reason: str
    """Why this precision."""
    compiled: str
    """`torch.compile` used or not, and why."""
    micro_batch: int
    """Sequences of a micro-batch in training."""
    measured_batch: int
    """Sequences of a micro-batch in the dry run."""
    seconds_per_step: float
    """Of a step: the measured micro-batches, scaled to the share of the process, and the optimizer. Without the
    all-reduce of gradients over processes."""
    memory_bytes: int
    """Peak: resident memory of the process on a CPU, including Python and PyTorch; memory reserved by PyTorch on a
    GPU."""
    memory_is_measured: bool
    """False if estimated from a smaller micro-batch."""
    peak_flops: float
    """FLOP/s of large matrix products, measured at the same time."""


def dry_run(settings: Settings, processes: int) -> DryRun:
    """Run steps in several processes at once, each with its share of the batch; return the slowest and largest.

    Raises:
        PretraceError: not enough memory, or a step fails.
    """
    from pretrace.training.pretraining.plan import Plan

    share = -(-Plan(settings.scale).batch_size // processes)
    command = [sys.executable, "-m", "pretrace.preflight.timing", settings.system_name, str(share)]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    try:
        done = [(process, *process.communicate(timeout=TIMEOUT_SECONDS)) for process in started]
    except subprocess.TimeoutExpired:
        raise PretraceError(f"{settings.system_name}: the dry run timed out after {TIMEOUT_SECONDS:.0f} s") from None
    finally:
        for process in started:
            process.kill()
            process.wait()
    for process, _, errors in done:
        if process.returncode:
            raise PretraceError(
                f"{settings.system_name}: the dry run {failure_reason(process.returncode, errors, settings)}"
            )
    runs = [DryRun(**json.loads(out.splitlines()[-1])) for _, out, _ in done]
    slowest = max(runs, key=lambda run: run.seconds_per_step)
    return replace(slowest, memory_bytes=max(run.memory_bytes for run in runs))


def failure_reason(code: int, errors: str, settings: Settings) -> str:
    """Return why a process failed, from its exit code and standard error."""
    if code == -9 or "OutOfMemoryError" in errors or "can't allocate memory" in errors or "MemoryError" in errors:
        from pretrace.training.engine.memory import advise_smaller

        return f"ran out of memory; {advise_smaller(settings)}"
    lines = errors.strip().splitlines()
    return f"failed ({lines[-1] if lines else f'exit code {code}'})"


def measure_here(settings: Settings, share: int) -> DryRun:
    """Measure in this process, which should end afterwards: global settings of PyTorch are changed."""
    import torch

    from pretrace.training.distributed.group import processes_here
    from pretrace.training.engine.compile import compile_blocks
    from pretrace.training.engine.device import choose_device
    from pretrace.training.engine.flops import flops_per_token, peak_flops
    from pretrace.training.engine.micro_batch import bytes_per_sequence, choose_micro_batch, memory_per_process
    from pretrace.training.pretraining.plan import Plan

    scale, section = settings.scale, settings.scale.pretrain
    device = choose_device(section.precision, scale.threads)
    stepper = Stepper(settings, device)
    on_gpu = device.name == "cuda"
    available = memory_per_process(device.name, processes_here(scale))
    predicted = stepper.objective.predicted_share
    sequence = bytes_per_sequence(scale.sizes, scale.model.context, stepper.size, predicted)
    if section.micro_batch:
        micro_batch = min(section.micro_batch, share)
    else:
        tried = stepper.forward_backward if on_gpu else None
        micro_batch = choose_micro_batch(share, sequence, stepper.model, available, tried)
    stepper.step(1)
    single, single_memory = sum(stepper.step(1)), stepper.memory()
    more_fit = int((available - single_memory) / sequence)
    measured = max(1, min(micro_batch, max(2, int(SECONDS / 3 / single)), 1 + more_fit))
    plan = Plan(scale)
    flops = plan.tokens * flops_per_token(stepper.model, predicted)
    compiled = compile_blocks(
        stepper.model,
        section.compile,
        device.name,
        flops * share / plan.batch_size,
        lambda: stepper.forward_backward(measured),
    )
    stepper.step(measured)
    times: list[tuple[float, float]] = []
    while len(times) < MIN_STEPS or (len(times) < MAX_STEPS and sum(map(sum, times)) < SECONDS):
        times.append(stepper.step(measured))
    forward_backward, optimizer = sorted(times, key=sum)[len(times) // 2]
    memory = stepper.memory()
    per_sequence = (memory - single_memory) / (measured - 1) if measured > 1 else sequence
    return DryRun(
        device=torch.cuda.get_device_name() if on_gpu else "cpu",
        precision=str(device.dtype).removeprefix("torch."),
        precision_reason=device.reason,
        compiled=compiled,
        micro_batch=micro_batch,
        measured_batch=measured,
        seconds_per_step=forward_backward * share / measured + optimizer,
        memory_bytes=int(memory + max(0.0, per_sequence) * (micro_batch - measured)),
        memory_is_measured=measured == micro_batch,
        peak_flops=peak_flops(device),
    )


class Stepper:
    """Optimizer steps of pre-training, on random tokens."""

    def __init__(self, settings: Settings, device: Any) -> None:
        from pretrace.model.build import build_model
        from pretrace.training.engine.optimizer import build_optimizer
        from pretrace.training.objectives.choose import choose_objective
        from pretrace.training.objectives.special_tokens import SpecialTokens

        self.scale, self.section, self.device = settings.scale, settings.scale.pretrain, device
        self.seed = settings.pretrain.seeds[0]
        self.dropout = self.scale.sizes.dropout
        self.size = self.scale.vocabulary.size
        self.objective = choose_objective(self.section.objective, SpecialTokens(*SPECIAL, ()), self.size)
        self.model = build_model(self.scale, self.size, self.seed).to(device.name)
        self.optimizer = build_optimizer(self.model, self.section)
        self.marks: list[float] = []

    def step(self, sequences: int) -> tuple[float, float]:
        """Run a step of one micro-batch; return the seconds of forward and backward, and of the optimizer."""
        from pretrace.training.engine.loop import train_steps

        started = self._now()
        for _ in train_steps(
            self.model,
            self.optimizer,
            [0],
            losses=lambda step: self._losses(sequences),
            learning_rate=lambda step: self.section.lr,
            clip_norm=self.section.clip_norm,
            seed=self.seed,
        ):
            pass
        return self.marks[-1] - started, self._now() - self.marks[-1]

    def forward_backward(self, sequences: int) -> None:
        """Run forward and backward of a micro-batch, without an optimizer step."""
        self._loss(sequences).backward()
        self.model.zero_grad(set_to_none=True)

    def memory(self) -> int:
        """Return the peak memory so far, in bytes."""
        import torch

        from pretrace.common.hardware import peak_memory_bytes

        return torch.cuda.max_memory_reserved() if self.device.name == "cuda" else peak_memory_bytes()

    def _losses(self, sequences: int) -> Iterator[Any]:
        yield self._loss(sequences)
        self.marks.append(self._now())  # when the loop asks for the next loss, the gradients are computed

    def _loss(self, sequences: int) -> Any:
        import numpy as np

        from pretrace.training.objectives import MicroBatch

        shape = (sequences, self.scale.sequence_tokens)
        ids = np.random.default_rng(0).integers(len(SPECIAL), self.size, shape)
        rows = self.objective.example(ids).to(self.device.name)
        memory = self.objective.example_memory(self.model, sequences)
        batch = MicroBatch(rows.ids_BT, range(sequences), sequences, self.seed, 0, rows.masked, memory)
        return self.objective.loss(self.model, batch, self.dropout, self.device)

    def _now(self) -> float:
        import torch

        if self.device.name == "cuda":
            torch.cuda.synchronize()
        return time.monotonic()


if __name__ == "__main__":
    from pretrace.settings import load_settings

    exit_with_parent()
    try:
        print(json.dumps(vars(measure_here(load_settings().of_system(sys.argv[1]), int(sys.argv[2])))))
    except PretraceError as error:
        sys.exit(str(error))
