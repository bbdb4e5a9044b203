"""Language models without a gradient: tasks as prompts with examples, and tests of learning in context."""

from __future__ import annotations

from pydantic import Field

from pretrace.schemas.record import Measured, Record


class ShotScore(Record):
    """Scores of a task with one number of examples in the prompt."""

    shots: int
    """Examples asked for."""
    examples: float
    """Mean number of examples that fitted the context; the others were dropped from the front."""
    scores: list[float]
    """On the test rows with each draw of examples; one value without examples."""
    score: float
    """Mean of `scores`, in units of the metric."""
    stderr: float
    """Standard error of `score` from the draw of the test rows and of the examples."""
    spread: float | None = None
    """Standard deviation of `scores`; missing with one draw."""
    dev_score: float
    """Mean over the draws on the dev rows."""
    cut: int
    """Test rows that lost their beginning to fit the context, even without examples."""
    clean_score: float | None = None
    """Mean over the draws on the test rows that the training text does not have; missing if that was not looked for."""
    metrics: dict[str, float] = Field(default_factory=dict)
    """Written answers: the mean of each score of the task, by its metric."""


class OtherScore(Record):
    """A column of the table on the same test rows."""

    scores: list[float]
    """With each seed."""
    score: float
    """Mean of `scores`."""
    stderr: float
    """Standard error of `score` from the draw of the test rows and of the seeds."""


class RowsInTraining(Record):
    """Test rows that share an n-gram of words with the training text (GPT-3, appendix C)."""

    words: int
    """Length of the n-gram: the 5th percentile of the rows' words, from 8 to 13."""
    found: int
    """Scored test rows that have one."""
    too_short: int
    """Scored test rows with fewer words, which cannot be found and count as clean."""


class FewShotTask(Record):
    """A task as prompts."""

    prompt: str
    """Name of the file in `prompts/`."""
    kind: str
    """Kind of the task."""
    metric: str
    """Name of the metric."""
    chance: float
    """The score of guessing."""
    calibrated: bool
    """True with contextual calibration."""
    n: int
    """Test rows that were scored."""
    n_dev: int
    """Dev rows that chose the number of examples."""
    shots: list[ShotScore]
    """By number of examples, from the fewest."""
    chosen: int | None
    """Number of examples, two or more, with the best score on dev: few-shot; null where none was tried."""
    contamination: RowsInTraining | None = None
    """Rows that the training text has; missing if that was not looked for."""
    signatures: dict[str, str] = Field(default_factory=dict)
    """Written answers: the library of a score with its settings, by metric."""
    beside: dict[str, OtherScore] = Field(default_factory=dict)
    """By column of the table, such as `full`: its score on the same test rows."""


class PositionLoss(Record):
    """Loss of tokens by their position in long documents."""

    first: int
    """First position, from 1; the tokens before it are what a prediction is made from."""
    last: int
    loss: float
    """Mean in nats/token."""
    stderr: float
    """Standard error of `loss` over documents."""


class RepeatedTokens(Record):
    """Sequences of random tokens that occur twice: what is predicted better the second time is learned in context."""

    sequences: int
    length: int
    """Tokens of a sequence."""
    first_loss: float
    """Mean loss of its tokens the first time, in nats/token."""
    second_loss: float
    """Mean loss the second time, without its first token."""
    gain: float
    """`first_loss` minus `second_loss`."""
    stderr: float
    """Standard error of `gain` over sequences."""
    second_accuracy: float
    """Share of tokens that are the likeliest the second time."""


class InContext(Record):
    """Tests of learning in context, with the weights after some optimizer steps."""

    step: int
    """Optimizer steps; 0 for weights from elsewhere."""
    documents: int
    """Validation documents as long as the context; 0: none, and no losses by position."""
    by_position: list[PositionLoss]
    repeated: RepeatedTokens


class FewShotReport(Measured):
    """A system without a gradient, and what it was measured with."""

    scale: str
    """Name of the scale."""
    system: str
    model: str
    """Name of the pre-training, such as transformer."""
    context: int
    """Tokens that the model reads at once."""
    seeds: list[int]
    """Draws of examples."""
    balanced: bool
    """True if equally many examples of each class were drawn."""
    tasks: dict[str, FewShotTask]
    """By task; those without rows are missing."""
    in_context: list[InContext]
    """By optimizer steps whose weights were saved; the final ones last."""
    seconds: float
    """Wall-clock seconds."""


class FewShotRung(Record):
    """A size of the ladder without a gradient."""

    layers: int
    width: int
    parameters: int
    val_loss: float
    """Cross-entropy on the validation documents, in nats/token."""
    tasks: dict[str, FewShotTask]


class FewShotLadder(Measured):
    """Tasks as prompts at each size of `ladder`, in the same rows and draws (GPT-3, section 3 and table H.1)."""

    scale: str
    system: str
    context: int
    """Tokens that the models read at once."""
    seeds: list[int]
    """Draws of examples."""
    rungs: list[FewShotRung]
    """From the smallest."""
    seconds: float
    """Wall-clock seconds, those of trainings that were not done before included."""
