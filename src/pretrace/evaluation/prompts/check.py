"""Faults of prompts that are there before a run, for `pretrace check`: each names the file and the key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.evaluation.prompts.run import model_folder, open_vocabulary, read_prompt_tasks
from pretrace.settings import Settings
from pretrace.settings.kinds import KIND_FACTS, SEQUENCE
from pretrace.settings.prompts.prompt import FOLDER, prompt_file, prompt_of_task


def check_prompts(settings: Settings, root: Path = Path()) -> Iterator[tuple[str, str]]:
    """Check the prompts of all tasks; yield (heading, text). Nothing is yielded where there is no folder of prompts.

    Files are read always: unknown keys and fields, an empty stop list, a class that `labels` of the task's entry name
    and those of the prompt do not. Where a system has its vocabulary and rows, they are read, too: words that it cannot
    write, and prompts that are longer than its context.

    What is wrong with a prompt of a task's kind, which the task does not name, is yielded: nobody may want it.

    Raises:
        PretraceError: the first fault otherwise.
    """
    if not (root / FOLDER).is_dir():
        return
    for name, task in settings.tasks.items():
        chosen, prompt = prompt_of_task(name, task.kind, task.prompt, root)
        wanted = set((task.labels or {}).values()) if KIND_FACTS[task.kind].named and prompt.labels else set()
        for label in sorted(wanted - prompt.labels.keys()):
            raise PretraceError(
                f"{prompt_file(chosen)}: labels: no word for class {label!r} of task {name}; has "
                f"{', '.join(prompt.labels)}"
            )
    for name, text_task in settings.sequences.items():
        _, prompt = prompt_of_task(name, SEQUENCE, text_task.prompt, root, "sequences")
        context = settings.scale.model.context
        if prompt.write is not None and prompt.write.tokens > context - 2:
            raise PretraceError(
                f"{prompt_file(text_task.prompt or SEQUENCE)}: write.tokens: got {prompt.write.tokens}, and the "
                f"model's context has {context:,} tokens; an answer leaves at least two for the row"
            )
    said = f"{len(settings.tasks) + len(settings.sequences)} tasks"
    for system in settings.systems:
        own = settings.of_system(system)
        trained = (model_folder(own, root) / "config.json").exists()
        if not trained or own.scale.pretrain.objective.kind != "next_token":
            continue
        made = [name for name in own.tasks if (root / "data" / "tasks" / name / "task.json").exists()]
        vocabulary, context = open_vocabulary(own, root)
        for name in (*made, *own.sequences):
            try:
                read_prompt_tasks(own, [name], vocabulary, context, root)
            except PretraceError as error:
                if (own.tasks | own.sequences)[name].prompt:
                    raise
                yield "prompts", f"`pretrace fewshot` would stop: {error}"
        said += f"; {len(made) + len(own.sequences)} with rows, read by the vocabulary of {system}"
    yield "prompts", said
