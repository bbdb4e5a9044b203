"""Tasks as prompts: their rows, and the examples that rows may get.

Shapes: N rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.corpus import Gpt1Words
from pretrace.evaluation.prompts.assemble import AssembledPrompt, Assembler
from pretrace.evaluation.prompts.base_form import Form
from pretrace.evaluation.prompts.draws import ExamplePool
from pretrace.evaluation.prompts.form import PromptForm
from pretrace.evaluation.prompts.text import PromptText
from pretrace.settings import Settings
from pretrace.settings.prompts.prompt import prompt_of_task
from pretrace.tasks.rows.dataset import Row, TaskData, parts_read, read_rows
from pretrace.tasks.rows.draws import generator_for
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tokens import Vocabulary


@dataclass(frozen=True)
class PromptTask:
    """A task that is written as prompts for one model."""

    name: str
    data: TaskData
    form: Form
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
    check_fits(task, context)
    return task


def check_fits(task: PromptTask, room: int) -> None:
    """Raise `PretraceError` if no test row fits so many tokens of the context."""
    if not any(task.prompt("test", int(number), 0, 0).fits for number in task.numbers["test"]):
        raise PretraceError(
            f"{task.form.file}: row: no test row of {task.name} fits the model's context, room for {room:,} tokens, "
            "even without examples; shorten the prompt, or take a model with a longer context"
        )


def drawn_rows(task: str, split: str, count: int, limit: int | None) -> np.ndarray:
    """Return at most `limit` of the numbers from 0 to count - 1, in order, the same ones for every model.

    They are drawn: rows of a probe have their classes in turn, so that every second one would be of one class.
    """
    if limit is None or count <= limit:
        return np.arange(count)
    return np.sort(generator_for("few-shot rows", task, split).permutation(count)[:limit])


def _as_read(row: Row, vocabulary: Vocabulary, words: Gpt1Words) -> Row:
    return Row(parts_read(row.parts, row.raw, vocabulary, words), row.label, row.origin, row.raw or row.parts)
