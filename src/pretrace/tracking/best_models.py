"""The models that an experiment registers in MLflow: for each task, the best column of the table.

A registered version is meant to be used, and nobody uses a column that another one beats. With all columns, a grid of
experiments would fill a disk (at GPT-1's size, half a gigabyte per cell).
"""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

FINETUNED, VOCABULARY, ROWS = Path("models/finetuned"), Path("models/vocabulary"), Path("data/tasks")
FILES = ("config.json", "model.safetensors")
EXAMPLES = 3
CODE = "code.tar"


def best_models(benchmark: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the fine-tuned column with the highest score for each task of a benchmark.json, with example rows."""
    best: dict[str, dict[str, Any]] = {}
    for row in benchmark["rows"]:
        exists = (FINETUNED / f"{row['task']}-{row['variant']}" / FILES[1]).is_file()
        if exists and row["score"] is not None and row["score"] > best.get(row["task"], {"score": -2})["score"]:
            best[row["task"]] = {key: row[key] for key in ("task", "variant", "kind", "metric", "score")}
    return [{**model, "examples": _examples(model["task"])} for model in best.values()]


def experiment_metrics(benchmark: dict[str, Any]) -> dict[str, float]:
    """Return the metrics that compare experiments, from a benchmark.json: `source/full`, and `mean/full` over tasks."""
    columns = {
        f"{task}/{name}": score for task, scores in benchmark["scores"].items() for name, score in scores.items()
    }
    means = {f"mean/{name}": score for name, score in (benchmark.get("averages") or {}).items()}
    return {name: score for name, score in (columns | means).items() if score is not None}


def copy_models(models: list[dict[str, Any]], out: Path) -> None:
    """Copy the files of models, their vocabulary and the code that loads them into a record, for the uploader."""
    if not models:
        return
    for model in models:
        name = f"{model['task']}-{model['variant']}"
        (out / name).mkdir(parents=True)
        for file in FILES:
            _link(FINETUNED / name / file, out / name / file)
    shutil.copytree(VOCABULARY, out / "vocabulary", copy_function=_link)
    source = Path(__file__).resolve().parents[1]
    with tarfile.open(out / CODE, "w") as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.add(path, f"pretrace/{path.relative_to(source)}")


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
