"""Where each cell of the table comes from: commit, parameters, hashes of data, MLflow's run, machine, time, FLOPs.

What DVC locks is read from dvc.lock, what depends on the clock from reports/cost.json. So this is for the page, which
is not locked, and not for benchmark.json.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretrace.report.benchmark import heading
from pretrace.schemas.cost import CostEntry
from pretrace.schemas.finetuning import FinetuneReport
from pretrace.settings import FROZEN, ZERO_SHOT, Settings, read_yaml

SHORT = 8
"""Digits of a hash that are shown."""


@dataclass(frozen=True)
class CellProvenance:
    """Where a cell comes from; what is not known is empty or None."""

    task: str
    column: str
    rows: str
    """Hash of the task's rows."""
    weights: str
    """Hash of the pre-trained weights."""
    result: str
    """Hash of the predictions."""
    parameters: str = ""
    flops: int | None = None
    commit: str = ""
    """A plus sign after it: files differed from the commit."""
    mlflow: str = ""
    """Value of the tag `pretrace.record` of the MLflow run."""
    seconds: float | None = None
    machine: str = ""


def cell_provenance(
    settings: Settings, cost: dict[str, CostEntry], results: dict[str, FinetuneReport], lock: Path
) -> list[CellProvenance]:
    """Return one entry for each cell: a fine-tuned variant on a task, or the baselines of a task together.

    Args:
        cost: reports/cost.json.
        results: the reports of the stage `finetune`, by cell ("rte-full").
        lock: dvc.lock; where it or a stage in it is missing, the hashes are empty.
    """
    stages = read_yaml(lock).get("stages", {}) if lock.exists() else {}
    written = {path: value for stage in stages.values() for path, value in _outputs(stage).items()}
    cells = []
    for task in settings.tasks:
        for variant, chosen in settings.variants.items():
            name = f"{task}-{variant}"
            system = settings.system_of(variant)
            weights = written.get(f"models/pretrained/{system}", "") if chosen.pretrained else ""
            rows, result = written.get(f"data/tasks/{task}", ""), written.get(f"data/predictions/{name}.parquet", "")
            known = _of_cost(cost.get(f"finetune@{name}")) | _of_report(results.get(name))
            cells.append(CellProvenance(task, variant, rows, weights, result, **known))
        rows, result = written.get(f"data/tasks/{task}", ""), written.get(f"data/baselines/{task}.parquet", "")
        known = _of_cost(cost.get(f"baselines@{task}"))
        cells.append(CellProvenance(task, "baselines", rows, "", result, **known))
        for system in settings.systems:
            name, column = f"{task}-{system}", heading(settings.column_of(FROZEN, system))
            weights = written.get(f"models/pretrained/{system}", "")
            result, known = written.get(f"data/frozen/{name}.parquet", ""), _of_cost(cost.get(f"frozen@{name}"))
            cells.append(CellProvenance(task, column, rows, weights, result, **known))
    for system in settings.systems:
        if known := _of_cost(cost.get(f"zeroshot@{system}")):
            column = heading(settings.column_of(ZERO_SHOT, system))
            weights, result = (written.get(f"{of}/{system}", "") for of in ("models/pretrained", "data/zeroshot"))
            cells.append(CellProvenance("all", column, "", weights, result, **known))
    return cells


def _of_cost(entry: CostEntry | None) -> dict[str, Any]:
    if entry is None:
        return {}
    commit = _short(entry.commit) + "+" * bool(entry.changed)
    record, machine = entry.mlflow_record or "", entry.machine or ""
    return {"commit": commit, "mlflow": record, "seconds": entry.seconds, "machine": machine}


def _of_report(report: FinetuneReport | None) -> dict[str, Any]:
    if report is None:
        return {}
    parameters = f"lr {report.lr:g}, epochs {report.epochs}, lm_weight {report.lm_weight:g}"
    return {"flops": report.flops, "parameters": parameters}


def _outputs(stage: dict[str, Any]) -> dict[str, str]:
    return {entry["path"]: _short(entry.get("md5", "")) for entry in stage.get("outs", [])}


def _short(value: str | None) -> str:
    return (value or "")[:SHORT]
