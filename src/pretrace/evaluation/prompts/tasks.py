"""Tasks as prompts: their rows, the examples that rows may get, and a model's answers for so many examples.

Shapes: N rows, A answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.corpus import Gpt1Words
from pretrace.evaluation.log_likelihood import Question, Scores
from pretrace.evaluation.prompts.assemble import AssembledPrompt, Assembler
from pretrace.evaluation.prompts.draws import ExamplePool
from pretrace.evaluation.prompts.form import PromptForm
from pretrace.evaluation.prompts.text import PromptText
from pretrace.evaluation.prompts.values import predictions_of, values_of
from pretrace.evaluation.shared_beginnings import score_groups
from pretrace.model import LanguageModel
from pretrace.settings import Settings
from pretrace.settings.prompt import prompt_of_task
from pretrace.tasks.dataset import Row, TaskData, parts_read, read_rows
from pretrace.tasks.draws import generator_for
from pretrace.tasks.kinds import KINDS
from pretrace.tasks.metrics import score as metric_score
from pretrace.tasks.metrics import standard_error
from pretrace.tokens import Vocabulary
from pretrace.training.engine.device import Device


@dataclass(frozen=True)
class PromptTask:
    """A task that is written as prompts for one model."""

    name: str
    data: TaskData
    form: PromptForm
    assembler: Assembler
    pool: ExamplePool
    numbers: dict[str, np.ndarray]
    """Positions of the rows in their split that are scored: of dev and test."""

    def prompt(self, split: str, number: int, seed: int, shots: int) -> AssembledPrompt:
        """Return the prompt of a row with so many examples drawn for it.

        Raises:
            PretraceError: the row does not have what its prompt takes.
        """
        row = self.data.splits[split][number]
        drawn = self.pool.draw(row, split, number, seed, shots) if shots else []
        return self.assembler.assemble(row, [self.pool.rows[index] for index in drawn])

    def labels(self, split: str) -> np.ndarray:
        """Return the labels (N,) of the rows that are scored."""
        return np.array([self.data.splits[split][number].label for number in self.numbers[split]])


def read_prompt_task(
    name: str, settings: Settings, folder: Path, text: PromptText, context: int, root: Path | str = "."
) -> PromptTask | None:
    """Read a task in `folder` (data/tasks) with its prompt; None if it has no rows.

    Args:
        context: tokens of the model.
        root: folder of `prompts/`.

    Raises:
        PretraceError: rows are missing or damaged, the prompt has something wrong in it, or no row fits the context.
    """
    few, own = settings.few_shot, settings.tasks[name]
    data = read_rows(folder / name)
    chosen, prompt = prompt_of_task(name, data.kind, own.prompt, root)
    if data.unavailable:
        return None
    words = Gpt1Words(settings.text.language)
    for split, rows in data.splits.items():
        data.splits[split] = [_as_read(row, text.vocabulary, words) for row in rows]
    numbers = {
        split: drawn_rows(name, split, len(data.splits[split]), limit)
        for split, limit in (("dev", few.dev_rows), ("test", few.rows))
    }
    form = PromptForm(chosen, prompt, data, text)
    calibrated = prompt.calibrate if few.calibrate is None else few.calibrate
    assembler = Assembler(form, context, calibrated)
    train, classes = data.splits["train"], None
    if few.balanced and not form.has_choices:
        classes = np.array([form.right(row) for row in train])
    pool = ExamplePool(name, train, KINDS[data.kind].row_key, classes)
    task = PromptTask(name, data, form, assembler, pool, numbers)
    if not any(task.prompt("test", int(number), 0, 0).fits for number in numbers["test"]):
        raise PretraceError(
            f"{form.file}: row: no test row of {name} fits the model's context of {context:,} tokens, even without "
            "examples; shorten the prompt, or take a model with a longer context"
        )
    return task


def drawn_rows(task: str, split: str, count: int, limit: int | None) -> np.ndarray:
    """Return at most `limit` of the numbers from 0 to count - 1, in order, the same ones for every model.

    They are drawn: rows of a probe have their classes in turn, so that every second one would be of one class.
    """
    if limit is None or count <= limit:
        return np.arange(count)
    return np.sort(generator_for("few-shot rows", task, split).permutation(count)[:limit])


def _as_read(row: Row, vocabulary: Vocabulary, words: Gpt1Words) -> Row:
    return Row(parts_read(row.parts, row.raw, vocabulary, words), row.label, row.origin)


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


@dataclass
class TaskScorer:
    """Scores one model on a task; what a larger number of examples leaves as it was is not computed again."""

    task: PromptTask
    model: LanguageModel
    device: Device
    _values: dict[tuple[str, int, int, int], np.ndarray] = field(default_factory=dict)
    """Values of answers (A,) by split, row, seed and number of examples that fit; without examples the seed is 0."""
    _alone: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)
    """Log-probabilities of a row's answers behind the premise (A,)."""

    def answer(self, split: str, seed: int, shots: int) -> Answered:
        """Return the model's answers with so many examples."""
        task, numbers = self.task, [int(number) for number in self.task.numbers[split]]
        values_NA, prompts = self._values_of(split, numbers, seed, shots)
        predictions_N, labels_N = predictions_of(values_NA, task.form.levels), task.labels(split)
        metric = task.data.metric
        return Answered(
            predictions_N,
            metric_score(metric, labels_N, predictions_N),
            standard_error(metric, labels_N, predictions_N),
            float(np.mean([prompt.examples for prompt in prompts])),
            sum(not prompt.fits for prompt in prompts),
        )

    def values(self, split: str, number: int, seed: int, shots: int) -> np.ndarray:
        """Return the values (A,) by which the answers to one row are compared."""
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
        characters_NA = np.array([[len(answer.strip()) for answer in prompt.answers] for prompt in prompts])
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
            scores = self._scores([self.task.assembler.unconditional(row) for row in rows])
            self._alone.update(zip(new, scores.sums.reshape(len(new), -1), strict=True))
        return np.stack([self._alone[key] for key in keys])

    def _scores(self, groups: Sequence[Sequence[Question]]) -> Scores:
        return score_groups(self.model, groups, self.device)
