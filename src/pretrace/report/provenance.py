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
    """One entry a cell: a fine-tuned variant on a task, or the task's baselines, which are made together.

    Args:
        cost: what `reports/cost.json` has.
        results: what the stage `finetune` reported, by cell ("rte-full").
        lock: dvc.lock; where it or a stage in it is missing, the hashes are empty.
    """
    stages = read_yaml(lock).get("stages", {}) if lock.exists() else {}
    cells = []
    for task in settings.tasks:
        rows = _hashes(stages.get(f"tasks@{task}"), "outs").get(f"data/tasks/{task}")
        for variant, chosen in settings.variants.items():
            stage, result = f"finetune@{task}-{variant}", results.get(f"{task}-{variant}", {})
            deps, outs = (_hashes(stages.get(stage), part) for part in ("deps", "outs"))
            known: dict[str, Any] = {
                "rows": _short(deps.get(f"data/tasks/{task}")),
                "weights": _short(deps.get("models/pretrained")) if chosen.pretrained else "",
                "result": _short(outs.get(f"data/predictions/{task}-{variant}.parquet")),
            }
            spent = _spent(cost.get(stage) or {}) | {"flops": result.get("flops"), "parameters": _parameters(result)}
            cells.append({"task": task, "column": variant, **known, **spent})
        known = {"rows": _short(rows), "weights": "", "result": _short(rows), "flops": None, "parameters": ""}
        cells.append({"task": task, "column": "majority, TF-IDF", **known, **_spent(cost.get(f"tasks@{task}") or {})})
    if zero_shot := cost.get("zeroshot"):
        deps, outs = (_hashes(stages.get("zeroshot"), part) for part in ("deps", "outs"))
        known = {
            name: _short(deps.get(path)) for name, path in (("rows", "data/tasks"), ("weights", "models/pretrained"))
        }
        known["result"] = _short(outs.get("data/zeroshot"))
        cells.append(
            {"task": "all", "column": "LM, zero-shot", **known, **_spent(zero_shot), "flops": None, "parameters": ""}
        )
    return cells


def _spent(spent: dict[str, Any]) -> dict[str, Any]:
    return {
        "commit": _short(spent.get("commit")) + ("+" if spent.get("changed") else ""),
        "mlflow": spent.get("mlflow_record", ""),
        "seconds": spent.get("seconds"),
        "machine": spent.get("machine", ""),
    }


def _parameters(result: dict[str, Any]) -> str:
    names = ("lr", "epochs", "batch_size", "lm_weight", "dropout")
    return ", ".join(f"{name} {result[name]:g}" for name in names if result.get(name) is not None)


def _hashes(stage: dict[str, Any] | None, part: str) -> dict[str, str]:
    return {entry["path"]: entry.get("md5", "") for entry in (stage or {}).get(part, [])}


def _short(value: str | None) -> str:
    return (value or "")[:SHORT]
