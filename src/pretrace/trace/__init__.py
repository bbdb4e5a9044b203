"""Where a score came from, and whether it comes out again.

    pretrace trace source/full                            what made the score, back to the raw inputs
    pretrace trace reports/benchmark.json rte/full --verify   runs its stage again in a copy, and compares

Read from what is in git (dvc.lock, reports/), so that it answers in a clone without data, too.
"""

from __future__ import annotations

from pretrace.trace.cell import Cell, find_cell
from pretrace.trace.describe import trace
from pretrace.trace.verify import verify

__all__ = ["Cell", "find_cell", "trace", "verify"]
