"""Logs that grow during training: the loss curve, the sample texts. One JSON object per line.

Each row has the `step` it was written at, so that a log can be cut back to the step that training resumes from.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_path, readable_disk_errors


class JsonlLog:
    """A JSON Lines file, which need not exist yet.

    Args:
        describe_checkpoint: returns which checkpoint is the last, for the error when the disk is full.
    """

    def __init__(self, path: Path, describe_checkpoint: Callable[[], str]) -> None:
        self.path, self.describe_checkpoint = path, describe_checkpoint

    def append(self, row: dict[str, Any]) -> None:
        """Append a row.

        Raises:
            PretraceError: the disk is full.
        """
        try:
            with readable_disk_errors(self.path), self.path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
        except PretraceError as error:
            raise PretraceError(f"{error}; {self.describe_checkpoint()}") from error

    def read(self, step: int) -> list[dict[str, Any]]:
        """Return the rows of the first `step` steps, in order.

        An incomplete line, as a kill can leave behind, is skipped.
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

    def truncate(self, step: int) -> int:
        """Cut the file back to the first `step` steps; return how many rows are left."""
        rows = self.read(step)
        if self.path.exists():
            with atomic_path(self.path) as temporary:
                temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return len(rows)

    def flush(self) -> None:
        """Force the bytes to disk before a checkpoint relies on them."""
        if self.path.exists():
            with readable_disk_errors(self.path), self.path.open("a") as stream:
                os.fsync(stream.fileno())
