"""Tasks from text to text as prompts: the model goes on behind a row, and what it writes is scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.evaluation.prompts.assemble import Assembler
from pretrace.evaluation.prompts.base_form import Form
from pretrace.evaluation.prompts.draws import ExamplePool
from pretrace.evaluation.prompts.tasks import PromptTask, check_fits, drawn_rows
from pretrace.evaluation.prompts.text import PromptText
from pretrace.sequences.read import read_sequences
from pretrace.sequences.rows import SequenceRow
from pretrace.settings import Settings
from pretrace.settings.kinds import SEQUENCE
from pretrace.settings.prompts.prompt import ANSWER, Prompt, prompt_of_task
from pretrace.settings.prompts.writing import Writing
from pretrace.tasks.rows.dataset import Row, TaskData


class SequenceForm(Form):
    """Writes rows whose parts are a source, its context and its first target."""

    def __init__(self, name: str, prompt: Prompt, text: PromptText) -> None:
        super().__init__(name, prompt, SEQUENCE, text)
        assert prompt.write is not None
        self.writing: Writing = prompt.write
        self.fixed_answers = [""]

    def answers(self, row: Row) -> Sequence[str]:
        return self.fixed_answers

    def right(self, row: Row) -> int:
        return 0

    def written(self, row: Row, answer: str, content_free: str | None = None) -> tuple[str, str]:
        source, context, _ = row.parts
        return self._question(source, context), ""

    def without_row(self, answer: str) -> tuple[str, str]:
        return self._question("", ""), ""

    def example(self, row: Row) -> str:
        source, context, target = row.parts
        return self.text.joined(self._filled({"source": source, "context": context, ANSWER: target}))

    def _question(self, source: str, context: str) -> str:
        """Return a row up to its answer; the space before that is the model's to write, as in lm-evaluation-harness."""
        texts = self._filled({"source": source, "context": context, ANSWER: ""})
        return self.text.joined(texts).rstrip(" ")


@dataclass(frozen=True)
class SequencePromptTask(PromptTask):
    """A task whose answers a model writes."""

    writing: Writing = field(kw_only=True)
    metrics: list[str] = field(kw_only=True)
    """The first is that of the table."""
    references: dict[str, list[tuple[str, ...]]] = field(kw_only=True)
    """Accepted answers of each row by split, as they were written."""


def read_sequence_task(
    name: str, settings: Settings, text: PromptText, context: int, root: Path | str = "."
) -> SequencePromptTask:
    """Read a task of `sequences` with its prompt.

    Args:
        context: tokens of the model.
        root: of the project.

    Raises:
        PretraceError: rows are missing or damaged, the prompt has something wrong in it, or no row fits the context.
    """
    entry, few = settings.sequences[name], settings.few_shot
    chosen, prompt = prompt_of_task(name, SEQUENCE, entry.prompt, root, "sequences")
    form = SequenceForm(chosen, prompt, text)
    room = context - form.writing.tokens
    if room < 2:
        raise PretraceError(
            f"{form.file}: write.tokens: got {form.writing.tokens}, and the model's context has {context:,} tokens; an "
            "answer leaves at least two for the row"
        )
    read = read_sequences(name, entry, root)
    data = TaskData(SEQUENCE, entry.metric, None)
    data.splits = {split: [_as_row(row, text) for row in rows] for split, rows in read.splits.items()}
    numbers = {
        split: drawn_rows(name, split, len(data.splits[split]), limit)
        for split, limit in (("dev", few.dev_rows), ("test", few.rows))
    }
    task = SequencePromptTask(
        name,
        data,
        form,
        Assembler(form, room, calibrated=False),
        ExamplePool(name, data.splits["train"] or data.splits["dev"], lambda parts: parts[:2]),
        numbers,
        writing=form.writing,
        metrics=list(entry.metrics),
        references={split: [row.targets for row in rows] for split, rows in read.splits.items()},
    )
    check_fits(task, room)
    return task


def _as_row(row: SequenceRow, text: PromptText) -> Row:
    parts = (row.source, row.context, row.targets[0])
    return Row(tuple(text.prepared(part.strip()) for part in parts), 0, row.origin, parts)
