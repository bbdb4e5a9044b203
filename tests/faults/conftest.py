"""One undisturbed run for all tests of faults, and the table of what was tried.

    PRETRACE_FAULTS=reports/faults.json python -m pytest tests/faults -m "nightly or not nightly"

writes the table, as `make faults` does: a row for each fault that was tried in this run takes the place of the old one.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))

from machine import Machine, Reference, make

OUTCOMES = ("recovered", "stopped", "lost")
TABLE: dict[str, Counter[str]] = {}


class Faults:
    """Notes how a try of a fault ended.

    recovered: it went through, or did when it was run again, and the bytes are those of the undisturbed run. stopped:
    it stopped with one line that says what and where; with that put right, the bytes are those of the undisturbed run.
    lost: the bytes are others.
    """

    def check(self, fault: str, differences: list[str], stopped: bool = False) -> None:
        """Note an end, and fail if anything was lost."""
        TABLE.setdefault(fault, Counter())["lost" if differences else "stopped" if stopped else "recovered"] += 1
        assert not differences, f"{fault}: not as in an undisturbed run: {differences}"


@pytest.fixture(scope="session")
def faults() -> Faults:
    return Faults()


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    one = Machine()
    yield one
    one.close()


@pytest.fixture(scope="session")
def reference(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The run that nothing disturbed."""
    return Reference(make(tmp_path_factory.mktemp("undisturbed") / "project")).run_all(machine)


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty folder that is gone after the test: there are many."""
    folder = tmp_path_factory.mktemp("hurt")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    target = os.environ.get("PRETRACE_FAULTS")
    if target and TABLE:
        write_table(Path(target))


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
