"""A task of the settings: made or read, and checked."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, Gpt1Words
from pretrace.schemas.tasks import GiveAway, TaskExample, TaskReport
from pretrace.settings import Columns, Settings
from pretrace.settings.card import Card
from pretrace.tasks.give_aways.find import find_give_aways, sentences
from pretrace.tasks.odd_rows.find import stop_on_warning
from pretrace.tasks.probes.build import make_probe
from pretrace.tasks.raw_files import raw_files
from pretrace.tasks.read_task import read_task_files
from pretrace.tasks.rows.dataset import TaskData, write_rows
from pretrace.tasks.splits.near_duplicates import near_duplicate_warnings, near_duplicates

EXAMPLES = 4
"""Test rows of each task that the report shows."""


def prepare_task(
    settings: Settings, name: str, probe_documents: Iterable[tuple[Document, Document]], out: Path
) -> TaskReport:
    """Write the folder `out` of a task; return its entry for the report.

    `probe_documents` are raw, each with itself as GPT-1's words.

    Raises:
        PretraceError: there is no such task, or its rows are missing or unusable.
    """
    if name not in settings.tasks:
        raise PretraceError(f"{name}: not in params.yaml, whose tasks are {', '.join(settings.tasks)}")
    task, recipe = settings.tasks[name], Gpt1Words(settings.text.language)
    if task.probe:
        data = _probe(settings, name, probe_documents, recipe)
    else:
        raw = raw_files(task)  # before the rows: a file that is edited meanwhile counts as changed
        data = read_task_files(name, task, recipe, settings.workers)
        data.raw_files = raw
        data.near_duplicates = near_duplicates(name, task.kind, data.splits)
        data.warnings += near_duplicate_warnings(data.near_duplicates)
    data.overrides, data.zero_shot = task.overrides, task.zero_shot
    data.card = Card(**task.card.model_dump()) if task.card else None  # task.json has all keys, also those not set
    data.columns = Columns(**task.columns.model_dump())
    give_aways = [] if data.unavailable else find_give_aways(data, task.probe)
    data.warnings += sentences(give_aways)
    for warning in data.warnings:  # all of them, before the first one may stop the stage
        print(f"pretrace: task {name}: {warning}", file=sys.stderr)
    stop_on_warning(name, task, data.warnings)
    write_rows(out, data)
    return _report(data, give_aways)


def _probe(
    settings: Settings, name: str, documents: Iterable[tuple[Document, Document]], recipe: Gpt1Words
) -> TaskData:
    task, scale = settings.tasks[name], settings.scale.probes
    assert task.probe
    wanted = {
        "train": task.train_rows or scale.rows.get(task.probe, scale.rows["default"]),
        "dev": task.test_rows or scale.dev_rows,
        "test": task.test_rows or scale.test_rows,
    }
    data = make_probe(task.probe, documents, wanted, scale, task.kind, task.metric_name, recipe)
    highest = max((row.label for rows in data.splits.values() for row in rows), default=0)
    if task.soft_classes and highest > task.soft_classes - 1:
        raise PretraceError(
            f"params.yaml: tasks.{name}.soft_classes: {task.soft_classes} takes labels from 0 to "
            f"{task.soft_classes - 1}; those of the probe {task.probe} go to {highest}"
        )
    return data


def _report(task: TaskData, give_aways: list[GiveAway]) -> TaskReport:
    rows = task.splits["test"]
    shown = [rows[int(i)] for i in np.linspace(0, len(rows) - 1, min(EXAMPLES, len(rows)))] if rows else []
    examples = [
        TaskExample(parts=list(row.parts), label=task.labels[int(row.label)] if task.labels else row.label)
        for row in shown
    ]
    return TaskReport(
        kind=task.kind,
        metric=task.metric,
        unavailable=task.unavailable,
        labels=task.labels,
        n_train=len(task.splits["train"]),
        n_dev=len(task.splits["dev"]),
        n_test=len(rows),
        n_unlabeled=len(task.unlabeled),
        details=task.details,
        raw_files=task.raw_files,
        raw_parts=task.raw_parts,
        near_duplicates=task.near_duplicates,
        warnings=task.warnings,
        give_aways=give_aways,
        overrides=task.overrides,
        zero_shot=task.zero_shot,
        card=task.card,
        examples=examples,
    )
