"""`pretrace prompt`: exactly what a model reads for one row, with its tokens, and what it scores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.evaluation.perplexity import device_of_commands, open_model
from pretrace.evaluation.prompts.run import model_folder, open_vocabulary, read_prompt_tasks, scorer_of
from pretrace.evaluation.prompts.tasks import PromptTask
from pretrace.evaluation.prompts.written.tasks import SequencePromptTask
from pretrace.evaluation.prompts.written.writer import TaskWriter
from pretrace.settings import Settings
from pretrace.tokens import Vocabulary


def show_prompt(
    settings: Settings, name: str, number: int, shots: int, seed: int, split: str = "test", root: Path = Path()
) -> Iterator[tuple[str, str]]:
    """Yield a row's prompt as lines: (heading, text). The model's values follow if its weights are there.

    Args:
        settings: of the system (`Settings.of_system`).
        number: of the row in its split, from 0.
        shots: examples to draw.

    Raises:
        PretraceError: there is no such task or row, or something is wrong with the prompt.
    """
    if name not in settings.tasks and name not in settings.sequences:
        raise PretraceError(f"no task {name!r}; params.yaml has {', '.join([*settings.tasks, *settings.sequences])}")
    vocabulary, context = open_vocabulary(settings, root)
    tasks = read_prompt_tasks(settings, [name], vocabulary, context, root)
    if not tasks:
        raise PretraceError(f"task {name} has no rows; `dvc repro tasks@{name}` says why")
    task = tasks[0]
    rows = task.data.splits[split]
    if not 0 <= number < len(rows):
        raise PretraceError(f"--row: got {number}; {split} of {name} has rows 0 to {len(rows) - 1:,}")
    yield from _described(task, split, number, seed, shots, vocabulary, context)
    folder = model_folder(settings, root)
    if (folder / "model.safetensors").exists():
        yield from _valued(task, split, number, seed, shots, folder)


def _described(
    task: PromptTask, split: str, number: int, seed: int, shots: int, vocabulary: Vocabulary, context: int
) -> Iterator[tuple[str, str]]:
    form, row = task.form, task.data.splits[split][number]
    prompt = task.prompt(split, number, seed, shots)
    drawn = task.pool.draw(row, split, number, seed, shots)[: prompt.examples] if shots else []
    how = f"{form.prompt.score}{', calibrated' if task.assembler.content_free else ''}"
    yield "prompt", f"{form.file}, {'written' if isinstance(task, SequencePromptTask) else how}"
    yield "row", f"{split} {number}" + ("" if prompt.fits else ", longer than the context: it loses its beginning")
    of = ", ".join(str(one) for one in reversed(drawn))
    dropped = shots - prompt.examples
    yield (
        "examples",
        f"{prompt.examples} of {shots}{f', {dropped} did not fit or are not there' * bool(dropped)}"
        + (f"; train rows {of}" if drawn else ""),
    )
    answers = len(prompt.answers)
    asked = list(zip(prompt.texts, prompt.questions, strict=True))[:answers]
    same = len({form.text.joined(texts) for texts, _ in asked}) == 1
    for index, (texts, question) in enumerate(asked[:1] if same else asked):
        yield "", ""
        tokens = len(question.given) + len(question.asked)
        yield "text" if same else f"text {index}", f"{tokens} of {context} tokens with the answer"
        yield from (("", line) for line in form.text.joined(texts).split("\n"))
        yield "tokens", pieces_of(vocabulary, question.given.tolist())
    yield "", ""
    if isinstance(task, SequencePromptTask):
        yield "ends", " or ".join([*map(repr, task.writing.stop), f"after {task.writing.tokens} tokens"])
        yield from (("reference", repr(text)) for text in task.references[split][number])
        return
    right = form.right(row)
    for index, (answer, question) in enumerate(zip(prompt.answers, prompt.questions, strict=False)):
        scored = pieces_of(vocabulary, question.asked.tolist())
        yield f"answer {index}", f"{answer!r}: {scored}{' (right)' * (index == right)}"
    for free in task.assembler.content_free:
        yield "without", f"also asked with {free!r} in the place of the row's text"


def _valued(
    task: PromptTask, split: str, number: int, seed: int, shots: int, folder: Path
) -> Iterator[tuple[str, str]]:
    """Yield the values by which the model compares the answers, in float32."""
    model, _ = open_model(folder)
    device = device_of_commands()
    scorer = scorer_of(task, model.to(device.name), device)
    yield "", ""
    if isinstance(scorer, TaskWriter):
        yield "answer", repr(scorer.text(split, number, seed, shots))
        return
    answers = task.form.answers(task.data.splits[split][number])
    for index, value in enumerate(scorer.values(split, number, seed, shots)[: len(answers)]):
        yield f"value {index}", f"{value:.4f}"


def pieces_of(vocabulary: Vocabulary, ids: list[int]) -> str:
    """Return tokens as text, each in quotes with its id."""
    return " ".join(f"{vocabulary.decode([token])!r}:{token}" for token in ids)
