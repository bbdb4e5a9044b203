"""The rows of all tasks from text to text, made or read, and what a reader of their scores has to know."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from pretrace.corpus import Document
from pretrace.schemas.sequences.rows import SequenceExample, SequenceTaskReport
from pretrace.sequences.probes.build import make_sequence_probe
from pretrace.sequences.read import read_sequences
from pretrace.sequences.rows import SPLITS, SequenceData, write_rows
from pretrace.settings import Settings

EXAMPLES = 4
"""Test rows of each task that the report shows."""
Documents = Callable[[], Iterable[tuple[Document, Document]]]
"""Gives raw probe documents, each with itself as GPT-1's words."""


def prepare_sequences(settings: Settings, documents: Documents, out: Path) -> dict[str, SequenceTaskReport]:
    """Write a folder for each task into an existing folder; return a report of each.

    Raises:
        PretraceError: rows are missing or unusable.
    """
    reports = {}
    for name, task in settings.sequences.items():
        data = make_sequence_probe(settings, name, documents()) if task.probe else read_sequences(name, task)
        warnings = warnings_of(data)
        for warning in warnings:
            print(f"pretrace: sequences.{name}: {warning}", file=sys.stderr)
        record = write_rows(out / name, data, list(task.metrics))
        reports[name] = SequenceTaskReport(**record.as_json(), examples=examples_of(data), warnings=warnings)
    return reports


def warnings_of(data: SequenceData) -> list[str]:
    """Return a sentence for each fact of the rows that makes scores mean less."""
    found = []
    for split in SPLITS:
        rows = data.splits.get(split, [])
        if empty := [row for row in rows if not row.targets[0].strip()]:
            found.append(
                f"{len(empty):,} of {len(rows):,} {split} rows have an empty target (the first: {empty[0].origin})"
            )
    learned = {(row.context, row.source) for row in data.splits.get("train", [])}
    for split in SPLITS[1:]:
        rows = data.splits.get(split, [])
        if shared := sum((row.context, row.source) in learned for row in rows):
            found.append(f"{shared:,} of {len(rows):,} {split} rows have the source of a training row")
    if data.unavailable:
        found.append(data.unavailable)
    return found


def examples_of(data: SequenceData) -> list[SequenceExample]:
    """Return some test rows."""
    rows = data.splits.get("test", [])
    chosen = [rows[int(i)] for i in np.linspace(0, len(rows) - 1, min(EXAMPLES, len(rows)))] if rows else []
    return [SequenceExample(source=row.source, target=row.targets[0]) for row in chosen]
