"""Checkpoints of training."""

from __future__ import annotations

from pretrace.schemas.record import Record


class CheckpointMetadata(Record):
    """Facts about a training state, saved beside its tensors."""

    step: int
    """Optimizer steps made."""
    seconds: float = 0.0
    """Seconds of training up to this step, of all processes that ran one after the other."""
    micro_batch: int | None = None
    """Sequences per micro-batch; a resumed run keeps it, so that it sums gradients in the same order."""
    compiled: bool | None = None
    """True if the last steps ran compiled blocks; None before the first step."""
    state_sha256: str = ""
    """SHA-256 of the file of tensors."""
    metadata_sha256: str = ""
    """SHA-256 of all fields above, as canonical JSON."""
