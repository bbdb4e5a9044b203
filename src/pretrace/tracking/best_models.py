"""The models that an experiment registers in MLflow: for each task, the best column of the table.

A registered version is meant to be used, and nobody uses a column that another one beats. With all columns, a grid of
experiments would fill a disk (at GPT-1's size, half a gigabyte per cell).
"""

from __future__ import annotations

import math
import os
import shutil
import tarfile
from pathlib import Path

from pretrace.schemas.benchmark import Benchmark, BenchmarkRow
from pretrace.schemas.tracking import BestModel

FINETUNED, VOCABULARIES, ROWS = Path("models/finetuned"), Path("models/vocabulary"), Path("data/tasks")
FILES = ("config.json", "model.safetensors")
EXAMPLES = 3
CODE = "code.tar"


def best_models(benchmark: Benchmark) -> list[BestModel]:
    """Return the fine-tuned column with the highest score on each task, if its model is there."""
    best: dict[str, BenchmarkRow] = {}
    for row in benchmark.rows:
        there = (FINETUNED / f"{row.task}-{row.variant}" / FILES[1]).is_file()
        if row.system and there and row.score is not None and row.score > _score(best.get(row.task)):
            best[row.task] = row
    return [
        BestModel(
            task=row.task,
            variant=row.variant,
            system=str(row.system),
            kind=row.kind,
            metric=row.metric,
            score=_score(row),
            examples=_examples(row.task),
        )
        for row in best.values()
    ]


def experiment_metrics(benchmark: Benchmark) -> dict[str, float]:
    """Return what experiments are compared by: `source/full`, and `mean/full` over the tasks."""
    by_task = {**benchmark.scores, **benchmark.sequence_scores}
    columns = {f"{task}/{name}": score for task, scores in by_task.items() for name, score in scores.items()}
    return columns | {f"mean/{name}": score for name, score in benchmark.averages.items()}


def copy_models(models: list[BestModel], out: Path) -> None:
    """Copy the files of models, their vocabularies and the code that loads them into a record, for the uploader."""
    if not models:
        return
    for model in models:
        name = f"{model.task}-{model.variant}"
        (out / name).mkdir(parents=True)
        for file in FILES:
            _link(FINETUNED / name / file, out / name / file)
    for system in {model.system for model in models}:
        shutil.copytree(VOCABULARIES / system, out / "vocabulary" / system, copy_function=_link)
    source = Path(__file__).resolve().parents[1]
    with tarfile.open(out / CODE, "w") as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.add(path, f"pretrace/{path.relative_to(source)}")


def _score(row: BenchmarkRow | None) -> float:
    return -math.inf if row is None or row.score is None else row.score


def _link(source: str | Path, target: str | Path) -> None:
    """Hard-link a file: it takes no space, and survives when DVC replaces the original. Copy if that is impossible."""
    real = os.path.realpath(source)
    try:
        os.link(real, target)
    except OSError:
        shutil.copyfile(real, target)


def _examples(task: str) -> list[list[str]]:
    """Return the text fields of the first test rows."""
    from pyarrow import parquet

    return parquet.read_table(ROWS / task / "test.parquet", columns=["parts"])["parts"][:EXAMPLES].to_pylist()
