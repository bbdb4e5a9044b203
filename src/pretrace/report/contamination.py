"""Scores on all test rows and on clean rows alone, beside each other (GPT-3: Brown et al. 2020, appendix C).

A row is clean if it shares no run of words with the training text; `corpus.quality.contamination.action: report` has
left that text in, and `reports/clean.json` names the rows that do. Baselines without pre-training are in the table:
what they gain on clean rows says how much easier those are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.report.statistics.comparisons import CONFIDENCE
from pretrace.report.statistics.task_scores import TaskScores
from pretrace.schemas.benchmark import Benchmark, CleanScore
from pretrace.schemas.corpus import CleanReport, FoundRows
from pretrace.schemas.record import read_optional_record


def clean_scores(
    folder: Path, scores: Mapping[str, TaskScores], columns: Mapping[str, Sequence[str]]
) -> dict[str, list[CleanScore]]:
    """Return `contamination` of benchmark.json, or nothing if it was not asked for.

    Args:
        folder: of the reports.
        scores: by task.
        columns: of each task.
    """
    report = read_optional_record(folder / "clean.json", CleanReport)
    found = {task: rows for task, rows in report.found_rows.items() if task in scores} if report else {}
    if not found:
        return {}
    return {
        "contamination": [
            _score(task, column, scores[task], rows) for task, rows in found.items() for column in columns[task]
        ]
    }


def _score(task: str, column: str, scores: TaskScores, found: FoundRows) -> CleanScore:
    predicted_N, rows = scores.rows(column), set(found.rows)
    clean_N = np.array([row for row in predicted_N.tolist() if scores.documents[row] not in rows], np.int64)
    long_enough = sum(scores.longest_part(row) >= found.words for row in predicted_N.tolist())
    known: dict[str, Any] = {"task": task, "variant": column, "words": found.words}
    known |= {} if found.most_documents is None else {"most_documents": found.most_documents}
    known |= {"rows": len(predicted_N), "clean_rows": len(clean_N), "too_short": len(predicted_N) - long_enough}
    whole = scores.mean(column).difference()
    known |= {"score": round(whole.value, 6), "interval": round(whole.noise, 6)}
    if not len(clean_N):
        return CleanScore(**known, clean_score=None, clean_interval=None, difference=None, noise=None)
    clean, difference = (one.difference() for one in scores.on_rows(column, clean_N))
    return CleanScore(
        **known,
        clean_score=round(clean.value, 6),
        clean_interval=round(clean.noise, 6),
        difference=round(difference.value, 6),
        noise=round(difference.noise, 6),
    )


def contamination_markdown(benchmark: Benchmark, heading: Callable[[str], str]) -> str:
    """Return the table with its explanation; nothing if it was not asked for. `heading` gives that of a column."""
    if not benchmark.contamination:
        return ""
    lines = [
        "",
        "## Contamination",
        "",
        explanation(benchmark),
        "",
        "| task | column | words | n test | all rows | n clean | clean rows | clean - all |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in benchmark.contamination:
        cells = [one.task, heading(one.variant), str(one.words), f"{one.rows:,}"]
        cells += [shown(one.score, one.interval), f"{one.clean_rows:,}", shown(one.clean_score, one.clean_interval)]
        lines.append(f"| {' | '.join([*cells, shown(one.difference, one.noise, '+')])} |")
    return "\n".join(lines) + "\n"


EXPLANATION = (
    "Test scores times 100 on all rows, and on those that share no run of so many words with the training text, ± half "
    f"the width of the {CONFIDENCE:.0%} interval. Differences are on the same documents and fine-tunings, each alone: "
    "with many, some are beyond their interval by chance. Rows shorter than the run count as clean."
)


def explanation(benchmark: Benchmark) -> str:
    """Return the text under the heading of the table."""
    limits = {one.most_documents for one in benchmark.contamination} - {None}
    junk = "".join(f" A run that more than {limit} training documents have does not count." for limit in limits)
    return EXPLANATION + junk


def shown(value: float | None, half: float | None, sign: str = "") -> str:
    """Return a share times 100 with half the width of its interval; "n/a" without one."""
    return "n/a" if value is None else f"{100 * value:{sign}.1f} ± {100 * (half or 0):.1f}"
