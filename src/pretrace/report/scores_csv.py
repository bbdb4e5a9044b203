"""The benchmark as one flat table, for whoever wants to plot or test something of their own."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from pretrace.common.files import write_text
from pretrace.report.benchmark import BASELINES

COLUMNS = ("task", "kind", "variant", "metric", "seed", "score", "n_train", "n_eval")


def write_scores(path: Path | str, benchmark: dict[str, Any]) -> None:
    """Write a CSV file with one line a score: each seed of each variant on each task; baselines have no seed.

    `pandas.read_csv("data/benchmark.csv").groupby(["task", "variant"]).score.describe()` is the table, in short.
    """
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in benchmark["rows"]:
        seeds = [""] if row["variant"] in BASELINES else benchmark["seeds"]
        for seed, score in zip(seeds, row["scores"], strict=False):  # a task that could not be made has no scores
            cells = {**row, "seed": seed, "score": score}
            table.writerow([cells[column] for column in COLUMNS])
    write_text(path, stream.getvalue())
