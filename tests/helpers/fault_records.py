"""The outcome of every fault that was tried, and the table of them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

OUTCOMES = ("recovered", "stopped", "lost")
TABLE: dict[str, Counter[str]] = {}


class Faults:
    """Records the outcome of each try of a fault.

    recovered: it went through, or did when it was run again, and the bytes are those of the undisturbed run. stopped:
    it stopped with one line that says what and where; with that put right, the bytes are those of the undisturbed run.
    lost: the bytes are others.
    """

    def check(self, fault: str, differences: list[str], stopped: bool = False) -> None:
        """Record an outcome, and fail if anything was lost."""
        TABLE.setdefault(fault, Counter())["lost" if differences else "stopped" if stopped else "recovered"] += 1
        assert not differences, f"{fault}: not as in an undisturbed run: {differences}"


def write_table(path: Path) -> None:
    try:
        old: dict[str, Any] = {row["fault"]: row for row in json.loads(path.read_text(encoding="utf-8"))["faults"]}
    except (OSError, ValueError, KeyError):
        old = {}
    day = datetime.now(UTC).date().isoformat()
    for fault, ends in TABLE.items():
        old[fault] = {"fault": fault, "tried": ends.total(), **{name: ends[name] for name in OUTCOMES}, "on": day}
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [old[fault] for fault in sorted(old)]
    total = {name: sum(row[name] for row in rows) for name in ("tried", *OUTCOMES)}
    path.write_text(json.dumps({"total": total, "faults": rows}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
