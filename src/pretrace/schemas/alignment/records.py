"""Records of the second pipeline's files."""

from __future__ import annotations

from pretrace.schemas.models import ModelConfig
from pretrace.schemas.record import Record


class ScalarConfig(Record):
    """A language model with a scalar head: the reward model."""

    model: ModelConfig
    """Sizes of the language model."""
    gain: float
    """Multiplies the head's output."""
    offset: float
    """Added to it: the start policy's answers then have rewards of mean 0 and variance 1."""


class PromptsReport(Record):
    """Prompts and demonstrations, and where they are from."""

    form: str
    """`documents`: beginnings of text without roles; `conversations`: conversations with roles and end marks."""
    demonstrations: int
    """Texts of supervised fine-tuning."""
    train: int
    """Prompts for training."""
    test: int
    """Prompts that only measure."""
    comparisons: int
    """Prompts with compared answers that were read from a file; 0: they are made."""
    left_out: int
    """Rows of files that could not be used."""
    too_long: int
    """Rows of files that do not fit the context."""
    halves: list[list[str]]
    """The two halves of the sources that the gold reward tells apart; empty with files."""


class SftReport(Record):
    """Supervised fine-tuning."""

    steps: int
    loss: float
    """On the training prompts' demonstrations, after training, in nats/token of the answers."""
    test_loss: float
    """On those of the test prompts."""
    test_loss_before: float
    """On those of the test prompts, before training."""


class RewardReport(Record):
    """The reward model."""

    steps: int
    prompts: int
    """Prompts with compared answers it was trained on."""
    pairs: int
    """Pairs of their answers."""
    test_prompts: int
    accuracy: float
    """Share of pairs of test prompts that it orders as the labels do, each prompt counting the same."""
    stderr: float
    """Standard error of `accuracy` over prompts."""
    train_accuracy: float
    """The same on the training prompts."""
    gold_correlation: float | None
    """Correlation with the gold reward over the test prompts' answers; null without one."""
    gain: float
    offset: float


class Interval(Record):
    """A mean with its standard error."""

    mean: float
    stderr: float
    """Over prompts."""


class Point(Record):
    """A policy, measured on the test prompts."""

    kl: Interval
    """KL from the start policy in nats an answer: the sum of log-ratios of its own samples (k1); of best-of-n the
    closed form, with a standard error of 0."""
    proxy: Interval
    """Reward of the reward model, in standard deviations of the start policy's answers."""
    gold: Interval | None
    """Gold reward, in the same units; null without one."""
    win_rate: Interval | None
    """Share of test prompts' answers with a higher gold reward than the start policy's answer of the same number;
    proxy reward without gold; null of the start policy."""


class ArmSeed(Record):
    """One training of an arm."""

    seed: int
    point: Point
    length: float
    """Mean tokens of an answer."""
    distinct: float
    """Share of different bigrams among all of its answers."""
    lm_loss: float
    """Loss on the validation text, nats/token: what pre-training has learned and is lost is the alignment tax."""


class Arm(Record):
    """All trainings of an arm."""

    method: str
    seeds: list[ArmSeed]


class AnswerSample(Record):
    """Answers to one test prompt, side by side."""

    prompt: str
    answers: dict[str, str]
    """By arm; `start` is the start policy, `best_of_<n>` the best of its pool."""


class CompareReport(Record):
    """All ways to a policy, on the same test prompts."""

    prompts: int
    pool: int
    """Answers of the start policy for a prompt."""
    start: ArmSeed
    best_of: dict[str, Point]
    """By n, chosen by the reward model."""
    best_of_gold: dict[str, Point]
    """By n, chosen by the gold reward: the most that can be had at that KL by choosing; empty without one."""
    arms: dict[str, Arm]
    samples: list[AnswerSample]
