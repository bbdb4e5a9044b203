"""Models that learned a task from text to text, and scores of what they wrote."""

from __future__ import annotations

from pydantic import Field

from pretrace.schemas.record import Record
from pretrace.settings import ModelKind


class WrittenScore(Record):
    """A metric of written targets against the accepted ones, as a share of 1."""

    score: float
    """Mean of `scores`."""
    scores: list[float]
    """For each seed."""
    stderr: float
    """Standard error of one seed's score from the draw of the test rows: by resampling rows for BLEU and chrF."""
    interval: float
    """Half the width of the 95 % interval of `score`, from the draw of rows and of seeds."""
    signature: str | None = None
    """Library that computed it, with its settings."""


class LearnedSeed(Record):
    """One training: what the report has of it, before the seeds are put together."""

    seed: int
    dev_loss: float | None
    """Cross-entropy of dev targets with the averaged weights, in nats/token; null if none fits the context."""
    dev: float
    """Main metric on the dev rows, by greedy choice."""
    written: list[str]
    """Target that the search wrote for each test row."""
    greedy: list[str]
    """Target that greedy choice wrote for each test row."""
    tokens: int
    """Tokens of sources and targets that were learned, with the ends of targets."""


class LearnReport(Record):
    """One cell of the table of sequences."""

    task: str
    learner: str
    system: str
    kind: ModelKind
    """Kind of the model."""
    pretrained: bool
    """True if it started from a pre-training."""
    metric: str
    """The first of the task's metrics, which the table shows."""
    metrics: dict[str, WrittenScore]
    """By name, on the test rows, as the search wrote them; empty if the task has no rows."""
    greedy: WrittenScore | None = None
    """The main metric by greedy choice."""
    dev_scores: list[float] = Field(default_factory=list)
    """Main metric on the dev rows for each seed, by greedy choice."""
    dev_losses: list[float | None] = Field(default_factory=list)
    """Cross-entropy of dev targets for each seed, in nats/token; comparable with the same vocabulary alone."""
    best_seed: int | None = None
    """Seed of the best dev score, whose model is kept."""
    seeds: list[int]
    n_train: int
    """Training rows that were learned."""
    n_dev: int
    n_test: int
    left_out: int
    """Training rows that are too long to be learned."""
    cut: dict[str, int]
    """Dev and test rows whose source was cut to the context."""
    parameters: int
    """Trained parameters, tied ones once."""
    vocabulary_size: int
    steps: int
    """Optimizer steps."""
    epochs: float
    """Times that each training row was learned."""
    tokens: int
    """Tokens that one training read and learned, padding not counted."""
    unavailable: str | None = None
    """Why there is no score."""


class WrittenCurvePoint(Record):
    """A point of a loss curve of a training on pairs."""

    seed: int
    step: int
    loss: float
    """Loss of the step's batch with label smoothing, in nats/token."""
    lr: float
    dev_loss: float | None = None
    """Loss of the dev rows without smoothing, at checkpoints."""
