"""Numbers as MLflow takes them: curves as points, and of metrics what every database can hold."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def points(curves: list[Path]) -> Iterator[tuple[str, float, int]]:
    """(metric, value, step) of curves; several curves, or several seeds in one, get names of their own."""
    for path in curves:
        before = f"{path.stem}/" if len(curves) > 1 else ""
        for number, row in enumerate(read_rows(path)):
            step = int(row.get("step", row.get("epoch", number)))
            after = f"/seed{row['seed']}" if "seed" in row else ""
            values = {key: row[key] for key in row if key not in ("step", "epoch", "seed")}
            for key, value in finite(values).items():
                yield f"{before}{key}{after}", value, step


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a curve, JSONL (but for a last line still being written) or a JSON list; no file, no rows."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if path.suffix == ".json":
        return json.loads(text or "[]")
    whole = text[: text.rfind("\n") + 1]
    return [json.loads(line) for line in whole.splitlines()]


def finite(values: dict[str, Any]) -> dict[str, float]:
    """The numbers that JSON and every database can hold."""
    kept = {key: value for key, value in values.items() if isinstance(value, int | float)}
    return {key: float(value) for key, value in kept.items() if math.isfinite(value)}
