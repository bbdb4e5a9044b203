"""The benchmark as one flat table, to plot or to test something of one's own."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pretrace.common.files import write_text
from pretrace.report.benchmark import BASELINES
from pretrace.schemas.benchmark import Benchmark

COLUMNS = ("task", "kind", "variant", "metric", "seed", "score", "n_train", "n_eval")


def write_scores(path: Path | str, benchmark: Benchmark) -> None:
    """Write a CSV file with one line for each score: each seed of each variant on each task; baselines have no seed.

    `pandas.read_csv("data/benchmark.csv").groupby(["task", "variant"]).score.describe()` is the table, in short.
    """
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in benchmark.rows:
        seeds = [""] if row.variant in BASELINES else benchmark.seeds
        for seed, score in zip(seeds, row.scores, strict=False):  # a task without rows has no scores
            table.writerow([row.task, row.kind, row.variant, row.metric, seed, score, row.n_train, row.n_eval])
    write_text(path, stream.getvalue())
