"""All tasks of the settings, made or read, checked, encoded, and scored by the baselines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pretrace.corpus import clean_text, read_documents
from pretrace.errors import PretraceError
from pretrace.files import atomic_folder
from pretrace.progress import progress
from pretrace.settings import Settings, Workers
from pretrace.tasks.baselines import baselines
from pretrace.tasks.probes import make_probe
from pretrace.tasks.readers import read_task_files
from pretrace.tasks.rows import TaskData, write_task
from pretrace.vocabulary.load import Vocabulary
from pretrace.workers import map_in_order

EXAMPLES = 4
"""Test rows of each task that the report shows."""


def prepare_tasks(settings: Settings, probe_documents: Path, vocabulary: Vocabulary, out: Path) -> dict[str, Any]:
    """Write `out/<task>/` for every task; returns what the report says of each, by name.

    The folder of a task that did not change has the same bytes as before, so nothing is fine-tuned again for it.
    """
    documents = list(read_documents(probe_documents)) if any(t.probe for t in settings.tasks.values()) else []
    tasks = {name: _task(settings, name, documents) for name in settings.tasks}
    with atomic_folder(out) as temporary:
        for name, task in tasks.items():
            write_task(temporary / name, task, vocabulary.encode_array)
    available = {name: task for name, task in tasks.items() if not task.unavailable}
    # The largest first, so that one process does not end up with it alone.
    names = sorted(available, key=lambda name: -len(available[name].splits["train"]))
    scores = map_in_order(baselines, [available[name] for name in names], Workers(count=2))
    shown = progress(scores, len(names), "tasks", "baselines")
    found = {name: score for name, (_, score) in zip(names, shown, strict=True)}
    return {name: _note(task, found.get(name)) for name, task in tasks.items()}


def _task(settings: Settings, name: str, documents: list) -> TaskData:
    task = settings.tasks[name]
    if not task.probe:
        return read_task_files(name, task, clean_text)
    data = _probe(settings, name, documents)
    highest = max((row.label for rows in data.splits.values() for row in rows), default=0)
    if task.soft_classes and highest > task.soft_classes - 1:
        raise PretraceError(
            f"params.yaml: tasks.{name}.soft_classes: {task.soft_classes} takes labels from 0 to "
            f"{task.soft_classes - 1}; those of the probe {task.probe} go to {highest}"
        )
    return data


def _probe(settings: Settings, name: str, documents: list) -> TaskData:
    task, scale = settings.tasks[name], settings.scale.probes
    wanted = {
        "train": task.train_rows or scale.rows.get(task.probe, scale.rows["default"]),
        "dev": task.test_rows or scale.dev_rows,
        "test": task.test_rows or scale.test_rows,
    }
    return make_probe(task.probe, documents, wanted, scale, task.kind, task.metric_name)


def _note(task: TaskData, scores: dict[str, Any] | None) -> dict[str, Any]:
    rows = task.splits["test"]
    shown = [rows[int(i)] for i in np.linspace(0, len(rows) - 1, min(EXAMPLES, len(rows)))] if rows else []
    examples = [
        {"parts": list(row.parts), "label": task.labels[int(row.label)] if task.labels else row.label} for row in shown
    ]
    return {
        "kind": task.kind,
        "metric": task.metric,
        "unavailable": task.unavailable,
        "labels": task.labels,
        **{f"n_{split}": len(found) for split, found in task.splits.items()},
        "details": task.details,
        "baselines": scores,
        "examples": examples,
    }
