"""A model's answers to the rows of a task that are written as prompts.

Shapes: N rows, A answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pretrace.evaluation.log_likelihood import Question, Scores
from pretrace.evaluation.prompts.assemble import AssembledPrompt
from pretrace.evaluation.prompts.tasks import PromptTask
from pretrace.evaluation.prompts.values import placed, predictions_of, values_of
from pretrace.evaluation.token_trees import score_groups
from pretrace.model import LanguageModel
from pretrace.tasks.rows.metrics import score as metric_score
from pretrace.tasks.rows.metrics import standard_error
from pretrace.training.engine.device import Device


@dataclass(frozen=True)
class Answered:
    """A model's answers to the rows of a split that are scored."""

    predictions_N: np.ndarray
    score: float
    stderr: float
    """Standard error of the score from the draw of the rows."""
    examples: float
    """Mean number of examples in a prompt."""
    cut: int
    """Rows that lost their beginning to fit the context."""
    clean_score: float | None = None
    """Score of the rows that the training text does not have; None if that is not known, or none are left."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Written answers: each score of the task."""
    signatures: dict[str, str] = field(default_factory=dict)
    """Written answers: the library of a score, with its settings."""


@dataclass
class TaskScorer:
    """Scores one model on a task; what a larger number of examples leaves as it was is not computed again."""

    task: PromptTask
    model: LanguageModel
    device: Device
    clean_N: np.ndarray | None = None
    """True for test rows that the training text does not have; None: not known."""
    _values: dict[tuple[str, int, int, int], np.ndarray] = field(default_factory=dict)
    """Values of answers (A,) by split, row, seed and number of examples that fit; without examples the seed is 0."""
    _alone: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)
    """Log-probabilities of a row's answers behind the premise (A,)."""

    def answer(self, split: str, seed: int, shots: int) -> Answered:
        """Return the model's answers with so many examples."""
        task, numbers = self.task, [int(number) for number in self.task.numbers[split]]
        values_NA, prompts = self._values_of(split, numbers, seed, shots)
        predictions_N, labels_N = predictions_of(values_NA, task.form.levels), task.labels(split)
        metric, clean_N = task.data.metric, clean_of(split, self.clean_N)
        return Answered(
            predictions_N,
            metric_score(metric, labels_N, predictions_N),
            standard_error(metric, labels_N, predictions_N),
            float(np.mean([prompt.examples for prompt in prompts])),
            sum(not prompt.fits for prompt in prompts),
            clean_score=metric_score(metric, labels_N[clean_N], predictions_N[clean_N])
            if clean_N is not None
            else None,
        )

    def values(self, split: str, number: int, seed: int, shots: int) -> np.ndarray:
        """Return the values (A,) by which the answers to one row are compared; -inf of those that it lacks."""
        values_A: np.ndarray = self._values_of(split, [number], seed, shots)[0][0]
        return values_A

    def _values_of(
        self, split: str, numbers: Sequence[int], seed: int, shots: int
    ) -> tuple[np.ndarray, list[AssembledPrompt]]:
        prompts = [self.task.prompt(split, number, seed, shots) for number in numbers]
        keys = [
            (split, number, seed if prompt.examples else 0, prompt.examples)
            for number, prompt in zip(numbers, prompts, strict=True)
        ]
        new = [index for index, key in enumerate(keys) if key not in self._values]
        self._score(split, [numbers[i] for i in new], [prompts[i] for i in new], [keys[i] for i in new])
        return np.stack([self._values[key] for key in keys]), prompts

    def _score(
        self,
        split: str,
        numbers: Sequence[int],
        prompts: Sequence[AssembledPrompt],
        keys: Sequence[tuple[str, int, int, int]],
    ) -> None:
        if not prompts:
            return
        scores = self._scores([prompt.questions for prompt in prompts])
        characters_NA = np.full((len(prompts), self._most_answers), -1)
        for own_A, prompt in zip(characters_NA, prompts, strict=True):
            own_A[: len(prompt.answers)] = [len(answer.strip()) for answer in prompt.answers]
        how, forms = self.task.form.prompt.score, 1 + len(self.task.assembler.content_free)
        alone_NA = self._unconditional(split, numbers) if how == "pmi" else None
        values_NA = values_of(how, scores, characters_NA, alone_NA, forms)
        self._values.update(zip(keys, values_NA, strict=True))

    def _unconditional(self, split: str, numbers: Sequence[int]) -> np.ndarray:
        """Return the log-probabilities (N, A) of answers behind the premise; without choices they are those of all."""
        once = not self.task.form.has_choices and not self.task.form.scores_row
        keys = [("", 0) if once else (split, number) for number in numbers]
        new = list(dict.fromkeys(key for key in keys if key not in self._alone))
        if new:
            rows = [self.task.data.splits[key[0] or split][key[1]] for key in new]
            groups = [self.task.assembler.unconditional(row) for row in rows]
            there_NA = np.arange(self._most_answers) < np.array([[len(group)] for group in groups])
            self._alone.update(zip(new, placed(self._scores(groups).sums, there_NA), strict=True))
        return np.stack([self._alone[key] for key in keys])

    @property
    def _most_answers(self) -> int:
        """A: of any row."""
        form, row = self.task.form, self.task.data.splits["test"][0]
        return len(row.parts) - 1 if form.has_choices else len(form.fixed_answers)

    def _scores(self, groups: Sequence[Sequence[Question]]) -> Scores:
        return score_groups(self.model, groups, self.device)


def clean_of(split: str, clean_N: np.ndarray | None) -> np.ndarray | None:
    """Return which rows of a split count as clean; None if that is not known, or none do."""
    return clean_N if split == "test" and clean_N is not None and clean_N.any() else None
