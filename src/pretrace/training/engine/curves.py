"""Curves as DVC plots them and git shows them: JSON lists with one row per line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pretrace.common.files import write_text

Rows = list[dict[str, Any]]
LOSSES = ("val_loss", "val_masked_loss", "val_both_loss")
"""Losses of validation: a curve has one of them."""
MAX_ROWS = 500
"""About how many rows a written curve has at most."""


def write_curve(folder: Path, name: str, rows: Rows, steps: int) -> list[Path]:
    """Write `<name>.json` (training loss and rate) and `<name>-validation.json`, thinned; return their paths.

    Two files, since the validation loss is computed far less often and DVC plots want every field in every row.

    Args:
        rows: of the curve so far.
        steps: that the whole curve will have, so that a row that is shown early stays.
    """
    shown = [row for row in rows if "loss" in row and row["step"] % _interval(steps) == 0]
    training = [{key: row[key] for key in ("step", "loss", "lr")} for row in shown]
    validation = [{key: row[key] for key in ("step", *LOSSES) if key in row} for row in rows if _validated(row)]
    paths = [folder / f"{name}.json", folder / f"{name}-validation.json"]
    write_rows(paths[0], training)
    write_rows(paths[1], validation)
    return paths


def is_shown(row: dict[str, Any], steps: int) -> bool:
    """Return whether `write_curve` shows anything of a row."""
    return _validated(row) or row["step"] % _interval(steps) == 0


def write_rows(path: Path, rows: Rows) -> None:
    """Write a JSON list with one row per line."""
    write_text(path, "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def _validated(row: dict[str, Any]) -> bool:
    return any(name in row for name in LOSSES)


def _interval(steps: int) -> int:
    return max(1, steps // MAX_ROWS)
