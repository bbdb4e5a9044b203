"""Which fine-tuning of a cell: from which pre-training, with which seed."""

from __future__ import annotations

from typing import NamedTuple


class Job(NamedTuple):
    """One fine-tuning of one variant on one task."""

    pretrain_seed: int | None
    """Seed of the pre-training that it starts from; None for random weights and for those from elsewhere."""
    seed: int
    """Seed of the fine-tuning."""
