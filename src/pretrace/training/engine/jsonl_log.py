"""Files that gain a row with a training's updates: its curve, its sample texts. One JSON object a line.

Every row has the `step` that it was made at, so that such a file can be cut back to where training goes on from.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_path, readable_disk_errors


class RowFile:
    """The rows in a file, which need not be there yet.

    Args:
        place: what there is to say of the last checkpoint where the disk is full.
    """

    def __init__(self, path: Path, place: Callable[[], str]) -> None:
        self.path, self.place = path, place

    def append(self, row: dict[str, Any]) -> None:
        """Add a row.

        Raises:
            PretraceError: the disk is full.
        """
        try:
            with readable_disk_errors(self.path), self.path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
        except PretraceError as error:
            raise PretraceError(f"{error}; {self.place()}") from error

    def up_to(self, step: int) -> list[dict[str, Any]]:
        """The rows of the first `step` updates, in order.

        A line that is not whole, as a kill can leave behind, is left out.
        """
        rows = []
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines() if self.path.exists() else []
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and row.get("step", step + 1) <= step:
                rows.append(row)
        return rows

    def rewind(self, step: int) -> int:
        """Cut the file back to the first `step` updates; returns how many rows are left."""
        rows = self.up_to(step)
        if self.path.exists():
            with atomic_path(self.path) as temporary:
                temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return len(rows)

    def flush(self) -> None:
        """See to it that the bytes are on the disk before a checkpoint relies on them."""
        if self.path.exists():
            with readable_disk_errors(self.path), self.path.open("a") as stream:
                os.fsync(stream.fileno())
