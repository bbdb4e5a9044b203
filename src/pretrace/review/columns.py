"""The stage that measures a column of the table on a task, its report, and its predictions on the test rows."""

from __future__ import annotations

from pretrace.settings import FROZEN, ZERO_SHOT, ZERO_SHOT_PMI, split_column

BASELINES = ("majority", "tfidf", "ngram", "lsa")
ZERO_SHOTS = (ZERO_SHOT, ZERO_SHOT_PMI)


def stage_of(task: str, column: str, system: str) -> str:
    """Return the stage: a fine-tuning, the task's baselines, the zero-shot or the frozen stage.

    Args:
        system: the first system of the experiment, of columns that name none.
    """
    forms = ("baselines@{task}", "zeroshot@{system}", "frozen@{task}-{system}", "finetune@{task}-{column}")
    return _by_column(task, column, system, *forms)


def report_of(task: str, column: str, system: str) -> str:
    """Return the path of the stage's report, which has the score."""
    forms = ("reports/baselines/{task}.json", "reports/zeroshot/{system}.json", "reports/frozen/{task}-{system}.json")
    return _by_column(task, column, system, *forms, "reports/finetune/{task}-{column}.json")


def predictions_of(task: str, column: str, system: str) -> str:
    """Return the path of the predictions, as dvc.lock names it."""
    forms = ("data/baselines/{task}.parquet", "data/zeroshot/{system}", "data/frozen/{task}-{system}.parquet")
    return _by_column(task, column, system, *forms, "data/predictions/{task}-{column}.parquet")


def _by_column(task: str, column: str, system: str, baseline: str, zero_shot: str, frozen: str, finetuned: str) -> str:
    """Return the form that fits a column, with task, column and system filled in."""
    base, own = split_column(column)
    forms = dict.fromkeys(BASELINES, baseline) | dict.fromkeys(ZERO_SHOTS, zero_shot) | {FROZEN: frozen}
    return forms.get(base, finetuned).format(task=task, column=column, system=own or system)
