"""Curves as DVC plots them and git shows them: JSON lists with one row a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pretrace.common.files import write_text

Rows = list[dict[str, Any]]
SHOWN_ROWS = 500


def write_curve(folder: Path, name: str, rows: Rows, steps: int) -> list[Path]:
    """Write `<name>.json` (training loss and rate) and `<name>-validation.json`, thinned to some 500 rows; their paths.

    Two files, as the validation loss is read far less often and DVC plots want every field in every row.

    Args:
        rows: of the curve up to now.
        steps: that the whole curve will have; so a row that is shown early stays.
    """
    kept = [row for row in rows if "loss" in row and row["step"] % _every(steps) == 0]
    training = [{key: row[key] for key in ("step", "loss", "lr")} for row in kept]
    validation = [{key: row[key] for key in ("step", "val_loss")} for row in rows if "val_loss" in row]
    paths = [folder / f"{name}.json", folder / f"{name}-validation.json"]
    write_rows(paths[0], training)
    write_rows(paths[1], validation)
    return paths


def is_shown(row: dict[str, Any], steps: int) -> bool:
    """Whether `write_curve` shows anything of a row."""
    return "val_loss" in row or row["step"] % _every(steps) == 0


def _every(steps: int) -> int:
    return max(1, steps // SHOWN_ROWS)


def write_rows(path: Path, rows: Rows) -> None:
    """A JSON list with one row a line."""
    write_text(path, "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
