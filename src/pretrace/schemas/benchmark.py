"""The benchmark: scores by task and column, and which differences are beyond the noise."""

from __future__ import annotations

from pydantic import Field

from pretrace.schemas.record import Record
from pretrace.schemas.sequences.learned import LearnReport


class BenchmarkRow(Record):
    """The score of one column (a variant or a baseline) on one task."""

    task: str
    """Name of the task in params.yaml."""
    kind: str
    """Kind of the task: classification, entailment, similarity, regression or multiple_choice."""
    variant: str
    """The column: a variant of params.yaml, or a baseline (`majority`, `tfidf`, `ngram`, `lsa`, `lm_zero_shot`)."""
    system: str | None = None
    """System of the model; missing for a baseline without one."""
    metric: str
    """Name of the metric, such as accuracy."""
    score: float | None
    """Median over the seeds of the metric on the test rows (accuracy 0.5, not 50); null if the task has no rows."""
    scores: list[float]
    """The metric for each seed, in the order of `seeds`, and that for each pre-training; a baseline has one."""
    pretrain_seeds: list[int] = Field(default_factory=list)
    """For each of `scores` the seed of the pre-training that it started from; empty where there was none."""
    extra_variance: float = 0.0
    """Variance of a score from what was chosen on dev rows, such as a threshold; 0 where that is not known apart."""
    stderr: float | None
    """Standard error of the mean score from the draw of the test documents."""
    mean: float | None = None
    """Mean of `scores`: what the table shows; null if the task has no rows."""
    interval: float | None = None
    """Half the width of the 95 % interval of `mean`: documents, seeds or pre-trainings, and `extra_variance`."""
    n_train: int
    """Training rows; 0 without fine-tuning."""
    n_eval: int
    """Test rows that the score is of."""
    unavailable: str | None = None
    """Why there is no score; the key is there only then."""

    @property
    def scores_by_seed(self) -> list[float]:
        """The score of each seed; empty without a score."""
        return [] if self.score is None else self.scores or [self.score]


class ComparedMeans(Record):
    """The difference between the means of two columns over fine-tunings, and what can be said of it."""

    variant: str
    """The first column, `full`."""
    against: str
    """The second column."""
    difference: float
    """First minus second, in units of the metric."""
    noise: float
    """Half the width of the 95 % interval of the difference, of this comparison alone."""
    p: float
    """Probability of a difference this large or larger, up or down, if there is none; of this comparison alone."""
    p_holm: float
    """`p` after Holm's correction over all comparisons but the primary one, which keeps its `p`."""
    beyond: bool | None
    """True if `p_holm` is below 5 %; null with one seed, which allows no verdict."""


class Comparison(ComparedMeans):
    """The difference between two columns on one task."""

    task: str


class OverallComparison(ComparedMeans):
    """The difference between two columns on the mean over tasks."""

    tasks: int
    """Number of tasks that both have a score on."""
    primary: bool
    """True for the one comparison named beforehand: `full` with `scratch`."""


class CleanScore(Record):
    """The score of one column on all test rows of a task, and on those that share no words with the training text."""

    task: str
    variant: str
    """The column."""
    words: int
    """Words in a row that count as shared."""
    most_documents: int | None = None
    """Those that more documents of the training text have do not count; null: all do."""
    rows: int
    """Test rows that the column predicted."""
    clean_rows: int
    """Those that share none."""
    too_short: int
    """Rows with fewer words than that, which count as clean."""
    score: float
    """Mean over fine-tunings on all rows, in units of the metric."""
    interval: float
    """Half the width of its 95 % interval."""
    clean_score: float | None
    """The same on clean rows; null without any."""
    clean_interval: float | None
    difference: float | None
    """`clean_score` minus `score`."""
    noise: float | None
    """Half the width of the 95 % interval of the difference, on the same documents and fine-tunings; of it alone."""


class Benchmark(Record):
    """All scores of a run."""

    scale: str
    """Name of the scale, such as laptop."""
    systems: dict[str, str] = Field(default_factory=dict)
    """Paper and code of each system of the experiment, by name; missing in files of older versions."""
    seeds: list[int]
    """Seeds of fine-tuning."""
    scores: dict[str, dict[str, float]]
    """`score` by task and column: the form that `dvc metrics diff` shows."""
    averages: dict[str, float]
    """Mean over the tasks of `mean`, of each column that has one on all of them."""
    average_intervals: dict[str, float] = Field(default_factory=dict)
    """Half the width of the 95 % interval of each of `averages`."""
    winners: dict[str, str | None]
    """By task the column that is above all others, after Holm's correction over the tasks; null where there is none."""
    rows: list[BenchmarkRow]
    """One for each task and column, in the order of the table."""
    comparisons: list[Comparison]
    """`full` with every other column, on each task."""
    overall: list[OverallComparison]
    """`full` with every other column, on the mean over tasks."""
    notes: list[str] = Field(default_factory=list)
    """Sentences that stand under the table, such as on a majority that is not that of the test rows."""
    contamination: list[CleanScore] = Field(default_factory=list)
    """By task and column, with `corpus.quality.contamination.action: report`."""
    sequence_scores: dict[str, dict[str, float]] = Field(default_factory=dict)
    """By task from text to text and learner, the main metric: the form that `dvc metrics diff` shows."""
    sequences: list[LearnReport] = Field(default_factory=list)
    """One for each task from text to text and learner, in the order of params.yaml; missing without any."""
