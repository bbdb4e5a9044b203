"""Where each cell of the table came from: commit, parameters, hashes of data, MLflow's run, machine, time, FLOPs.

What DVC locks is read from dvc.lock, what the clock has a part in from reports/cost.json. So this is for the page,
which is not locked, and not for benchmark.json.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pretrace.settings import Settings, read_yaml

SHORT = 8
"""Digits of a hash that are shown."""


def provenance(settings: Settings, cost: dict[str, Any], results: dict[str, Any], lock: Path) -> list[dict[str, Any]]:
    """One entry a cell: a fine-tuned variant on a task.

    Args:
        cost: what `reports/cost.json` has.
        results: what the stage `finetune` reported, by cell ("rte-full").
        lock: dvc.lock; where it or a stage in it is missing, the hashes are empty.
    """
    stages = read_yaml(lock).get("stages", {}) if lock.exists() else {}
    cells = []
    for task in settings.tasks:
        for variant in settings.variants:
            stage, result = f"finetune@{task}-{variant}", results.get(f"{task}-{variant}", {})
            locked, spent = stages.get(stage) or {}, cost.get(stage) or {}
            hashes = {entry["path"]: entry.get("md5", "") for entry in locked.get("deps", [])}
            cells.append(
                {
                    "task": task,
                    "variant": variant,
                    "stage": stage,
                    "parameters": _parameters(result),
                    "rows": _short(hashes.get(f"data/tasks/{task}")),
                    "weights": _short(hashes.get("models/pretrained")) if settings.variants[variant].pretrained else "",
                    "result": _short(_outs(locked).get(f"reports/finetune/{task}-{variant}.json")),
                    "commit": _short(spent.get("commit")) + ("+" if spent.get("changed") else ""),
                    "mlflow": spent.get("mlflow_record", ""),
                    "seconds": spent.get("seconds"),
                    "flops": result.get("flops"),
                    "machine": spent.get("machine", ""),
                }
            )
    return cells


def _parameters(result: dict[str, Any]) -> str:
    names = ("lr", "epochs", "batch_size", "lm_weight", "dropout")
    return ", ".join(f"{name} {result[name]:g}" for name in names if result.get(name) is not None)


def _outs(locked: dict[str, Any]) -> dict[str, str]:
    return {entry["path"]: entry.get("md5", "") for entry in locked.get("outs", [])}


def _short(value: str | None) -> str:
    return (value or "")[:SHORT]
