"""Which differences between columns hold: one comparison named beforehand, Holm's correction for all others.

Named beforehand, and so tested at 5 % alone: `full` against `scratch` on the mean over tasks, the question that the
paper asks. All other comparisons of `full`, on each task and on the mean, are one family. A winner has to be above
every other column of its row, so the least of these differences decides (intersection-union test: no correction within
the row); the rows are a family of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pretrace.report.statistics.comparisons import LEVEL, Difference, holm
from pretrace.report.statistics.estimates import mean
from pretrace.report.statistics.task_scores import TaskScores
from pretrace.schemas.benchmark import Comparison, OverallComparison

REFERENCE, RIVAL = "full", "scratch"
Columns = dict[str, list[str]]
"""By task the columns that have a score."""


@dataclass(frozen=True)
class Question:
    """`full` against a column, on one task or on the mean over several."""

    against: str
    tasks: tuple[str, ...]
    answer: Difference
    decidable: bool
    """False with one seed: how another would do is not known, so nothing is said."""


def compare(scores: dict[str, TaskScores], columns: Columns) -> tuple[list[Comparison], list[OverallComparison]]:
    """Return the comparisons of `full` with every other column, on each task and on the mean over tasks."""
    questions = _questions(scores, columns)
    every = {one.against: one for one in questions}  # the last one of a column is on all of its tasks
    primary = every.get(RIVAL)
    family = [one for one in questions if one is not primary]
    corrected = dict(zip(map(id, family), holm([one.answer.p for one in family]), strict=True))

    def said(one: Question) -> dict[str, Any]:
        p = corrected.get(id(one), one.answer.p)
        measured = {"difference": one.answer.value, "noise": one.answer.noise, "p": one.answer.p, "p_holm": p}
        beyond = p < LEVEL if one.decidable else None
        return {"variant": REFERENCE, "against": one.against, **measured, "beyond": beyond}

    return (
        [Comparison(task=one.tasks[0], **said(one)) for one in questions if len(one.tasks) == 1],
        [OverallComparison(tasks=len(one.tasks), primary=one is primary, **said(one)) for one in every.values()],
    )


def find_winners(scores: dict[str, TaskScores], columns: Columns) -> dict[str, str | None]:
    """Return by task the column that is above all others; None where there is none."""
    best, p = {}, {}
    for task, names in columns.items():
        own = scores[task]
        best[task] = max(names, key=lambda name, own=own: own.mean(name).value)  # type: ignore[misc]
        rivals = [name for name in names if name != best[task]]
        decidable = not any(map(own.is_one_draw, names)) and rivals
        p[task] = max(own.minus(best[task], name).difference().p for name in rivals) if decidable else 1.0
    corrected = dict(zip(p, holm(list(p.values())), strict=True))
    return {task: name if corrected[task] < LEVEL else None for task, name in best.items()}


def _questions(scores: dict[str, TaskScores], columns: Columns) -> list[Question]:
    tasks: dict[str, list[str]] = {}
    for task, names in columns.items():
        for name in names if REFERENCE in names else ():
            if name != REFERENCE:
                tasks.setdefault(name, []).append(task)
    questions = []
    for name, own in tasks.items():
        differences = {task: scores[task].minus(REFERENCE, name) for task in own}
        draws = {task: scores[task].is_one_draw(REFERENCE) or scores[task].is_one_draw(name) for task in own}
        questions += [Question(name, (task,), one.difference(), not draws[task]) for task, one in differences.items()]
        if len(own) > 1:
            overall = mean(list(differences.values())).difference()
            questions.append(Question(name, tuple(own), overall, not any(draws.values())))
    return questions
