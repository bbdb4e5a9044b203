"""Scores before and after, compared row by row: where the rows are the same and both predictions are at hand.

The predictions are data, so git does not have them, but DVC's cache often has those of both commits. Of what both
columns find hard nothing is left in a difference then, and tasks that share documents are taken together.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.report.predictions import TaskPredictions, read_finetuned, read_parquet
from pretrace.report.statistics.estimates import Estimate
from pretrace.report.statistics.task_scores import DocumentNumbers, TaskScores
from pretrace.review.lockfile import Stages, outputs
from pretrace.review.score_changes import Change, scores_of


def paired_estimates(
    changes: Iterable[Change], before: Stages, after: Stages, root: Path, cache: Path
) -> dict[tuple[str, str], Estimate]:
    """Return {(task, column): after minus before} of the fine-tuned columns that can be compared row by row.

    Args:
        before, after: entries of dvc.lock, by name.
        root: the project's folder, whose files are those after.
        cache: DVC's folder of files by hash.
    """
    one, other = outputs(before), outputs(after)
    numbers, paired = DocumentNumbers(), {}
    for change in changes:
        cell, rows = f"{change.task}-{change.column}", f"data/tasks/{change.task}"
        predictions = f"data/predictions/{cell}.parquet"
        same_rows = rows in other and one.get(rows) == other[rows]
        if change.difference is None or not same_rows or predictions not in one or predictions not in other:
            continue
        files = [root / rows / "test.parquet", _cached(cache, one[predictions]), _cached(cache, other[predictions])]
        if not files[2].exists():
            files[2] = root / predictions
        if all(file.exists() for file in files):
            try:
                paired[change.task, change.column] = _difference(change, files, numbers)
            except PretraceError:  # of another form: then not in pairs
                continue
    return paired


def _difference(change: Change, files: list[Path], numbers: DocumentNumbers) -> Estimate:
    assert change.after is not None
    test = read_parquet(files[0], f"tasks@{change.task}")
    labels_N = test["label"].to_numpy()
    columns = {
        name: read_finetuned(file, f"finetune@{change.task}-{change.column}", len(labels_N))
        for name, file in zip(("before", "after"), files[1:], strict=True)
    }
    documents = test["origin"].to_pylist()
    task = TaskPredictions(labels_N, test["parts"].to_pylist(), documents, columns)
    for name, row in (("before", change.before), ("after", change.after)):
        if len(columns[name].seeds) != len(scores_of(row)):
            raise PretraceError(f"{change.task}/{change.column}: other seeds than in the table")
    scores = TaskScores(change.after.metric, task, numbers.of(change.task, documents), {}, balanced=False)
    return scores.minus("after", "before")


def _cached(cache: Path, md5: str) -> Path:
    return cache / "files" / "md5" / md5[:2] / md5[2:]
