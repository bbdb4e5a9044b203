"""What a stage spent: seconds and memory, for reports/cost.json."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

from pretrace import tracking
from pretrace.errors import PretraceError
from pretrace.files import locked, read_json, scratch_folder, write_json
from pretrace.origin import origin
from pretrace.run import Run

COST_FILE = Path("reports/cost.json")


def process_start() -> float:
    """When this process started, in seconds since the epoch, so that imports count as the stage's cost."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        age = 0.0
    return time.time() - age


def peak_memory_bytes() -> int:
    """Largest resident size of this process, or of one of its finished children.

    From VmHWM where there is one: `ru_maxrss` of a fresh process begins at the size of the one that started it.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        own = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return max(own, children)


def write_cost(run: Run, seconds: float) -> None:
    """Put what the run took in the place of what the stage took before."""
    entry = {"seconds": round(seconds, 2), "peak_memory_bytes": peak_memory_bytes(), **run.cost, **origin()}
    if not tracking.is_off():
        entry["mlflow_record"] = tracking.record_id(run)
    with locked(scratch_folder() / "cost.lock"):
        try:
            costs = read_json(COST_FILE)
        except PretraceError:
            costs = {}  # missing, or cut off by a crash: what a stage cost is no reason to fail the next one
        costs = costs if isinstance(costs, dict) else {}
        costs[run.name] = entry
        write_json(COST_FILE, json.loads(json.dumps(costs, sort_keys=True)))
