"""Where each cell of the table comes from: commit, parameters, hashes of data, MLflow's run, machine, time, FLOPs.

What DVC locks is read from dvc.lock, what depends on the clock from reports/cost.json. So this is for the page, which
is not locked, and not for benchmark.json.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretrace.schemas.cost import CostEntry
from pretrace.schemas.finetuning import FinetuneReport
from pretrace.settings import Settings, read_yaml

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
    cells = []
    for task in settings.tasks:
        for variant, chosen in settings.variants.items():
            name = f"{task}-{variant}"
            deps, outs = (_hashes(stages.get(f"finetune@{name}"), part) for part in ("deps", "outs"))
            weights = _short(deps.get("models/pretrained")) if chosen.pretrained else ""
            rows, result = _short(deps.get(f"data/tasks/{task}")), _short(outs.get(f"data/predictions/{name}.parquet"))
            known = _of_cost(cost.get(f"finetune@{name}")) | _of_report(results.get(name))
            cells.append(CellProvenance(task, variant, rows, weights, result, **known))
        deps, outs = (_hashes(stages.get(f"baselines@{task}"), part) for part in ("deps", "outs"))
        rows, result = _short(deps.get(f"data/tasks/{task}")), _short(outs.get(f"data/baselines/{task}.parquet"))
        known = _of_cost(cost.get(f"baselines@{task}"))
        cells.append(CellProvenance(task, "baselines", rows, "", result, **known))
        deps, outs = (_hashes(stages.get(f"frozen@{task}"), part) for part in ("deps", "outs"))
        weights, result = _short(deps.get("models/pretrained")), _short(outs.get(f"data/frozen/{task}.parquet"))
        known = _of_cost(cost.get(f"frozen@{task}"))
        cells.append(CellProvenance(task, "frozen LM + LR", rows, weights, result, **known))
    if "zeroshot" in cost:
        deps, outs = (_hashes(stages.get("zeroshot"), part) for part in ("deps", "outs"))
        hashes = (
            _short(deps.get("data/tasks")),
            _short(deps.get("models/pretrained")),
            _short(outs.get("data/zeroshot")),
        )
        cells.append(CellProvenance("all", "LM, zero-shot", *hashes, **_of_cost(cost["zeroshot"])))
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


def _hashes(stage: dict[str, Any] | None, part: str) -> dict[str, str]:
    return {entry["path"]: entry.get("md5", "") for entry in (stage or {}).get(part, [])}


def _short(value: str | None) -> str:
    return (value or "")[:SHORT]
