"""Curves and metrics in the form that MLflow takes: points, and only numbers that every database can hold."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def points(curves: list[Path]) -> Iterator[tuple[str, float, int]]:
    """Yield (metric, value, step) of curves. Names tell several curves, or several seeds in one curve, apart.

    `loss/seed1`; where a curve has several pre-trainings `loss/pretrain42-seed1`.
    """
    for path in curves:
        prefix = f"{path.stem}/" if len(curves) > 1 else ""
        rows = read_rows(path)
        several = len({row.get("pretrain_seed") for row in rows}) > 1
        for number, row in enumerate(rows):
            step = int(row.get("step", row.get("epoch", number)))
            start = f"pretrain{row['pretrain_seed']}-" if several else ""
            suffix = f"/{start}seed{row['seed']}" if "seed" in row else ""
            values = {key: row[key] for key in row if key not in ("step", "epoch", "seed", "pretrain_seed")}
            for key, value in finite(values).items():
                yield f"{prefix}{key}{suffix}", value, step


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a curve: JSONL, without a last line that is still being written, or a JSON list.

    A file that does not exist has no rows.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if path.suffix == ".json":
        return json.loads(text or "[]")
    complete = text[: text.rfind("\n") + 1]
    return [json.loads(line) for line in complete.splitlines()]


def finite(values: dict[str, Any]) -> dict[str, float]:
    """Return the finite numbers among values, which JSON and every database can hold."""
    numbers = {key: float(value) for key, value in values.items() if isinstance(value, int | float)}
    return {key: value for key, value in numbers.items() if math.isfinite(value)}
