"""Cost of a stage, in seconds and memory, for reports/cost.json."""

from __future__ import annotations

import json
from pathlib import Path

from pretrace import tracking
from pretrace.common.errors import PretraceError
from pretrace.common.files import locked, read_json, scratch_folder, write_json
from pretrace.common.hardware import peak_memory_bytes
from pretrace.common.provenance import provenance
from pretrace.schemas.cost import CostEntry
from pretrace.tracking.run import Run

COST_FILE = Path("reports/cost.json")


def write_cost(run: Run, seconds: float) -> None:
    """Replace the entry of the run's stage in reports/cost.json."""
    values = {"seconds": round(seconds, 2), "peak_memory_bytes": peak_memory_bytes(), **run.cost, **provenance()}
    if not tracking.is_off():
        values["mlflow_record"] = tracking.record_id(run)
    entry = CostEntry(**values)
    with locked(scratch_folder() / "cost.lock"):
        try:
            costs = read_json(COST_FILE)
        except PretraceError:
            costs = {}  # missing, or cut off by a crash, which is no reason to fail the stage
        costs = costs if isinstance(costs, dict) else {}
        costs[run.name] = entry.as_json()  # those of other stages stay as they are, whatever version wrote them
        write_json(COST_FILE, json.loads(json.dumps(costs, sort_keys=True)))
