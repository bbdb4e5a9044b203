"""The reports of learners, and what they add to the benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.schemas.record import read_record
from pretrace.schemas.sequences.learned import LearnReport
from pretrace.settings import Settings


def read_learned(settings: Settings, folder: Path) -> list[LearnReport]:
    """Return the reports of all learners on all tasks from text to text, in the order of the settings.

    Raises:
        PretraceError: one is missing or has another form.
    """
    reports = []
    for task in settings.sequences:
        for learner in settings.learners:
            path = folder / "sequences" / f"{task}-{learner}.json"
            if not path.exists():
                raise PretraceError(f"{path}: no such file; run `dvc repro learn@{task}-{learner}`")
            reports.append(read_record(path, LearnReport))
    return reports


def in_benchmark(settings: Settings, folder: Path) -> dict[str, Any]:
    """Return the keys that learners add to the benchmark; none without any."""
    reports = read_learned(settings, folder)
    scores: dict[str, dict[str, float]] = {}
    for report in reports:
        if report.metrics:
            scores.setdefault(report.task, {})[report.learner] = report.metrics[report.metric].score
    return {"sequences": reports, "sequence_scores": scores} if reports else {}
