"""A few real updates of the real model on this device, to know beforehand what a pre-training takes.

    python -m pretrace.preflight.timing transformer 8

measures, for the settings of the folder one stands in, updates of which this process has 8 sequences, and prints one
JSON object. It runs in processes of its own, as many as train together: nothing is written, and what a training
process sets for itself ends with it. The tokens are random; their values do not change what a step costs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.processes import exit_with_parent
from pretrace.settings import Settings

SECONDS = 6.0
"""About how long updates are measured. If a micro-batch takes longer, one of fewer sequences is measured."""
UPDATES = (2, 20)
"""Updates measured, at least and at most."""
TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True)
class Trial:
    """What was measured in one of the processes that train together."""

    device: str
    precision: str
    reason: str
    """Why this precision."""
    compiled: str
    """Whether torch.compile was used, and why."""
    micro_batch: int
    """Sequences that the training will hold at once."""
    measured: int
    """Sequences of the micro-batches that were measured."""
    seconds_a_step: float
    """Of an update: from the micro-batches measured, in proportion, and the optimizer. Without adding up gradients
    over processes."""
    memory: int
    """Bytes: the largest size of the process on a CPU, Python and PyTorch included; what PyTorch holds of a GPU."""
    memory_is_measured: bool
    """False: with fewer sequences than the micro-batch has, and the rest estimated."""
    peak_flops: float
    """Floating-point operations a second of large matrix products, measured at the same time."""


def measure(kind: str, settings: Settings, processes: int) -> Trial:
    """Try updates in so many processes at once, each with its share of the batch; the slowest and largest counts.

    Raises:
        PretraceError: memory does not suffice, or an update fails.
    """
    share = -(-settings.scale.pretrain.batch_size // processes)
    command = [sys.executable, "-m", "pretrace.preflight.timing", kind, str(share)]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    try:
        done = [(process, *process.communicate(timeout=TIMEOUT_SECONDS)) for process in started]
    except subprocess.TimeoutExpired:
        raise PretraceError(f"{kind}: a few updates were not done in {TIMEOUT_SECONDS:.0f} s") from None
    finally:
        for process in started:
            process.kill()
            process.wait()
    for process, _, said in done:
        if process.returncode:
            raise PretraceError(f"{kind}: an update was tried and {_reason(process.returncode, said, settings)}")
    trials = [Trial(**json.loads(out.splitlines()[-1])) for _, out, _ in done]
    slowest = max(trials, key=lambda trial: trial.seconds_a_step)
    return Trial(**vars(slowest) | {"memory": max(trial.memory for trial in trials)})


def _reason(code: int, said: str, settings: Settings) -> str:
    if code == -9 or "OutOfMemoryError" in said or "can't allocate memory" in said or "MemoryError" in said:
        from pretrace.training.engine.memory import advise_smaller

        return f"memory did not suffice; {advise_smaller(settings)}"
    lines = said.strip().splitlines()
    return f"failed ({lines[-1] if lines else f'exit code {code}'})"


def trial(kind: str, settings: Settings, share: int) -> Trial:
    """Measure in this process, which is none to go on with: weights are changed and much is set for good."""
    import torch

    from pretrace.training.engine.compile import compile_blocks
    from pretrace.training.engine.device import choose_device
    from pretrace.training.engine.flops import flops_per_token, peak_flops
    from pretrace.training.engine.micro_batch import bytes_per_sequence, choose_micro_batch, memory_per_process

    scale, section = settings.scale, settings.scale.pretrain
    device = choose_device(section.precision, scale.threads)
    updates = Updates(kind, settings, device)
    on_gpu = device.name == "cuda"
    there = memory_per_process(device.name, scale.processes)
    sequence = bytes_per_sequence(scale.sizes_of(kind), scale.model.context, updates.size)
    if section.micro_batch:
        micro_batch = min(section.micro_batch, share)
    else:
        tried = updates.forward_and_back if on_gpu else None
        micro_batch = choose_micro_batch(share, sequence, updates.model, there, tried)
    updates.run(1)
    single, single_memory = sum(updates.run(1)), updates.memory()
    room = int((there - single_memory) / sequence)
    measured = max(1, min(micro_batch, max(2, int(SECONDS / 3 / single)), 1 + room))
    flops = section.steps * section.batch_size * scale.model.context * flops_per_token(updates.model)
    compiled = compile_blocks(
        updates.model,
        section.compile,
        device.name,
        flops * share / section.batch_size,
        lambda: updates.forward_and_back(measured),
    )
    updates.run(measured)
    times: list[tuple[float, float]] = []
    while len(times) < UPDATES[0] or (len(times) < UPDATES[1] and sum(map(sum, times)) < SECONDS):
        times.append(updates.run(measured))
    passes, update = sorted(times, key=sum)[len(times) // 2]
    memory = updates.memory()
    more = (memory - single_memory) / (measured - 1) if measured > 1 else sequence
    return Trial(
        device=torch.cuda.get_device_name() if on_gpu else "cpu",
        precision=str(device.dtype).removeprefix("torch."),
        reason=device.reason,
        compiled=compiled,
        micro_batch=micro_batch,
        measured=measured,
        seconds_a_step=passes * share / measured + update,
        memory=int(memory + max(0.0, more) * (micro_batch - measured)),
        memory_is_measured=measured == micro_batch,
        peak_flops=peak_flops(device),
    )


class Updates:
    """Updates as pre-training makes them, on random tokens."""

    def __init__(self, kind: str, settings: Settings, device: Any) -> None:
        from pretrace.model.build import build_model
        from pretrace.training.engine.optimizer import build_optimizer

        self.scale, self.section, self.device = settings.scale, settings.scale.pretrain, device
        self.dropout = self.scale.sizes_of(kind).dropout
        self.size = self.scale.vocabulary.size
        self.model = build_model(kind, self.scale, self.size, self.section.seed).to(device.name)
        self.optimizer = build_optimizer(self.model, self.section)
        self.marks: list[float] = []

    def run(self, sequences: int) -> tuple[float, float]:
        """Make one update of one micro-batch; seconds of its passes forward and back, and of the optimizer."""
        from pretrace.training.engine.loop import train_steps

        started = self._now()
        for _ in train_steps(
            self.model,
            self.optimizer,
            [0],
            losses=lambda step: self._losses(sequences),
            learning_rate=lambda step: self.section.lr,
            clip_norm=self.section.clip_norm,
            seed=self.section.seed,
        ):
            pass
        return self.marks[-1] - started, self._now() - self.marks[-1]

    def forward_and_back(self, sequences: int) -> None:
        """A micro-batch without an update."""
        self._loss(sequences).backward()
        self.model.zero_grad(set_to_none=True)

    def memory(self) -> int:
        """Bytes, at most so far."""
        import torch

        from pretrace.common.hardware import peak_memory_bytes

        return torch.cuda.max_memory_reserved() if self.device.name == "cuda" else peak_memory_bytes()

    def _losses(self, sequences: int) -> Iterator[Any]:
        yield self._loss(sequences)
        self.marks.append(self._now())  # the loop has worked out the gradients when it asks for another loss

    def _loss(self, sequences: int) -> Any:
        import torch

        from pretrace.training.objectives import MicroBatch
        from pretrace.training.objectives.causal_lm import CausalLM

        shape = (sequences, self.scale.model.context)
        ids = torch.randint(self.size, shape, generator=torch.Generator().manual_seed(0)).to(self.device.name)
        batch = MicroBatch(ids, range(sequences), self.section.batch_size, self.section.seed, step=0)
        return CausalLM().loss(self.model, batch, self.dropout, self.device)

    def _now(self) -> float:
        import torch

        if self.device.name == "cuda":
            torch.cuda.synchronize()
        return time.monotonic()


if __name__ == "__main__":
    from pretrace.settings import load_settings

    exit_with_parent()
    try:
        print(json.dumps(vars(trial(sys.argv[1], load_settings(), int(sys.argv[2])))))
    except PretraceError as error:
        sys.exit(str(error))
