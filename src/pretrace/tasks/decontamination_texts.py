"""The dev and test text of the tasks that are read, which training documents should share no n-grams with."""

from __future__ import annotations

from collections.abc import Iterator

from pretrace.corpus import EvaluationText, Gpt1Words
from pretrace.settings import Settings
from pretrace.tasks.read_task import read_task_files


def evaluation_texts(settings: Settings) -> Iterator[EvaluationText]:
    """Yield every part of every dev and test row, cleaned as the corpus is, in the order of the settings and files.

    Raises:
        PretraceError: a task's file is missing or unusable; it would stop the stage `tasks` later on.
    """
    for name, task in settings.tasks.items():
        if task.train is None:
            continue
        splits = read_task_files(name, task, Gpt1Words(settings.text.language), settings.workers).splits
        for row in (*splits["dev"], *splits["test"]):
            yield from (EvaluationText(name, row.origin, part) for part in row.parts)
