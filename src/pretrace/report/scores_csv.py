"""The benchmark as one flat table, to plot or to test something of one's own."""

from __future__ import annotations

import csv
import io
from itertools import cycle, repeat
from pathlib import Path

from pretrace.common.files import write_text
from pretrace.report.benchmark import is_baseline
from pretrace.schemas.benchmark import Benchmark

COLUMNS = ("task", "kind", "variant", "metric", "pretrain_seed", "seed", "score", "n_train", "n_eval")


def write_scores(path: Path | str, benchmark: Benchmark) -> None:
    """Write a CSV file with one line for each score, with the seeds of its pre-training and its fine-tuning, if any.

    `pandas.read_csv("data/benchmark.csv").groupby(["task", "variant"]).score.describe()` is the table, in short.
    """
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in benchmark.rows:
        starts = row.pretrain_seeds or repeat("")
        seeds = repeat("") if is_baseline(row.variant) else cycle(benchmark.seeds)  # anew for each pre-training
        for start, seed, score in zip(starts, seeds, row.scores, strict=False):
            table.writerow([row.task, row.kind, row.variant, row.metric, start, seed, score, row.n_train, row.n_eval])
    write_text(path, stream.getvalue())
