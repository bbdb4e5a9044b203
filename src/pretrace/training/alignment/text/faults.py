"""Rows of files that cannot be used: the first one stops, or each is left out and counted."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from pretrace.common.errors import PretraceError


@dataclass
class RowFaults:
    """A handler of faults, each one line with file and row.

    Args:
        skip: True leaves such rows out; False stops at the first.
    """

    skip: bool = False
    lines: list[str] = field(default_factory=list)
    """Of the rows that were left out."""

    def add(self, place: str, fault: str) -> None:
        """Handle a fault.

        Args:
            place: `mine.jsonl: row 7`.

        Raises:
            PretraceError: rows are not left out.
        """
        line = f"{place}: {fault}"
        if not self.skip:
            raise PretraceError(f"{line}. Mend the row, or set files.on_bad_rows: skip")
        self.lines.append(line)

    def tell(self) -> None:
        """Print how many rows were left out, and the first one's fault."""
        if self.lines:
            print(f"{len(self.lines)} rows left out; the first: {self.lines[0]}", file=sys.stderr)


class RowFaultError(Exception):
    """A fault of a row, in words."""
