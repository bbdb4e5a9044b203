"""Measurements of a GPU: parity with the CPU, speed, memory, fine-tuning and resuming (benchmarks/gpu.py)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pretrace.schemas.record import Measured, Record


class GpuParity(Record):
    """One update's loss, logits and gradients on the device against those on the CPU, in float32 without dropout."""

    loss: float
    """Difference of the losses, in nats/token."""
    logits: float
    """Largest difference of a logit."""
    gradients: float
    """Norm of the difference of all gradients, over the norm of the CPU's."""
    auto_loss: float
    """Difference of the loss with `precision: auto`, compiled if `compiled`, from the CPU's in float32."""
    compiled: bool
    same: bool
    """True if all four are within the limits of benchmarks/gpu_parts/parity.py."""


class GpuSpeed(Record):
    """Pre-training steps with dropout: ours beside plain PyTorch of the same size, in turns."""

    batch_size: int
    """Sequences of a step, all of them in one micro-batch."""
    context: int
    """Tokens of a sequence."""
    parameters: int
    compiled: bool
    """True if both arms run compiled code."""
    tokens_per_second: dict[str, float]
    """Median over the rounds, by arm: `ours`, `plain`."""
    mfu: dict[str, float] | None
    """By arm, of the peak that the maker states; null where benchmarks/gpu_parts/device.py does not list it."""
    ratio: float
    """Times as fast as `plain`."""
    milliseconds: dict[str, list[float]]
    """Of a step, for each round, by arm."""
    peak_memory_bytes: dict[str, int]
    """By arm: reserved by PyTorch on a GPU, resident on a CPU."""
    loss_difference: float
    """Largest difference of the losses of both arms without dropout, in nats/token."""
    same: bool
    """True if it is below the limit of benchmarks/training.py."""


class GpuCheck(Record):
    """The dry run of `pretrace check`: a scale as it stands in its file."""

    batch_size: int
    """Sequences of a step."""
    micro_batch: int
    """Sequences of a micro-batch in training."""
    precision: str
    compiled: str
    """`torch.compile` used or not, and why."""
    tokens_per_second: float
    mfu: float | None
    """Of the peak that the maker states, as in `GpuSpeed`."""
    measured_peak_flops: float
    """FLOP/s of large matrix products as `pretrace check` measures them, of which it states its MFU."""
    memory_bytes: int
    """At the peak: reserved by PyTorch on a GPU, resident on a CPU."""


class GpuFinetuning(Record):
    """All seeds of a task of made-up pairs as long as those of RTE, at once and one alone."""

    rows: int
    """Training rows."""
    epochs: int
    tokens: int
    """Tokens read in training, by one seed."""
    seconds_alone: float
    """Of one seed by itself, its process's start included."""
    seeds: int
    """Seeds that share the device."""
    seconds_at_once: float | None = None
    """Of all seeds; missing if time ran out before."""
    peak_memory_bytes: int | None = None
    """Memory of the GPU that is in use while they run, by all processes; missing on a CPU."""
    scores: list[float] = Field(default_factory=list)
    """Accuracy of each seed; 0.5 by chance."""


class GpuResume(Record):
    """A pre-training that is killed and started again, beside one that is not."""

    steps: int
    killed_after: int
    """Steps that the killed run had made."""
    resumed_from: int
    """Step of the checkpoint that the next run started from."""
    same_bytes: bool
    """True if the weights at the end have the same bytes."""
    largest_difference: float
    """Of a weight."""


class GpuPart(Record):
    """End of a part of the script."""

    seconds: float
    budget: float
    """Seconds that it may take."""
    error: str | None
    """Why it has no result, or not all of it; null: it has."""


class GpuRecord(Measured):
    """The results of benchmarks/gpu.py on one kind of device."""

    device: str
    """Name of the GPU; "cpu" without one."""
    torch: str
    """Version of PyTorch, with its build."""
    sizes: Literal["full", "tiny"]
    """`tiny` shows that the script works, and nothing about speed."""
    seconds: float
    """Wall-clock seconds of the script so far."""
    stated_peak_flops: float | None
    """FLOP/s of dense bfloat16 products that the maker states; null if not listed."""
    parts: dict[str, GpuPart] = Field(default_factory=dict)
    """By part, in the order in which they ran."""
    parity: dict[str, GpuParity] = Field(default_factory=dict)
    """By scale."""
    speed: dict[str, GpuSpeed] = Field(default_factory=dict)
    """By scale."""
    check: dict[str, GpuCheck] = Field(default_factory=dict)
    """By scale."""
    resume: dict[str, GpuResume] = Field(default_factory=dict)
    """By scale."""
    finetuning: dict[str, GpuFinetuning] = Field(default_factory=dict)
    """By scale."""
