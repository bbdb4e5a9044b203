"""Costs of stages: the values that depend on the clock and the machine, and that DVC therefore does not lock."""

from __future__ import annotations

from pydantic import Field

from pretrace.schemas.record import Record


class TrainingCost(Record):
    """The cost of training one model."""

    device: str | None = None
    """Device of training: cpu or cuda."""
    precision: str | None = None
    """Type of the matrix products, such as float32 or bfloat16."""
    hours: float | None = None
    """Hours of training, of all processes that the run took one after another."""
    price: float | None = None
    """Hours times the hourly cost of params.yaml."""
    tokens_per_second: float | None = None
    """Training tokens per second."""
    mfu: float | None = None
    """Model FLOPs utilization, 0 to 1: share of the device's peak."""


class CostEntry(TrainingCost):
    """The cost of a stage's last run."""

    more_seeds: dict[str, TrainingCost] = Field(default_factory=dict)
    """Pre-training only: the cost of each pre-training with another seed than the first, by its name."""
    seeds_seconds: float | None = None
    """Fine-tuning only: seconds for all seeds that were still to be run."""
    seconds: float
    """Wall-clock seconds of the stage's process."""
    peak_memory_bytes: int
    """Largest resident memory of the stage's process or of one of its workers."""
    commit: str | None = None
    """Git commit that was checked out; "none" without one, "unknown" if git refuses to say."""
    changed: bool | None = None
    """True if code, parameters or requirements differed from the commit; missing if that is not known."""
    machine: str | None = None
    """Processor and its instruction sets for matrix products."""
    python: str | None = None
    """Version of Python."""
    mlflow_record: str | None = None
    """Value of the tag `pretrace.record` of the MLflow run; missing with tracking off."""
