"""One undisturbed run for all tests of faults, and the table of what was tried.

    PRETRACE_FAULTS=reports/faults.json python -m pytest tests/faults -n 2 -m "nightly or not nightly"

writes the table, as `make faults` does: a row for each fault that was tried in this run takes the place of the old one.
Each of several processes has an undisturbed run of its own, and passes what it tried to the first.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.fault_records import TABLE, Faults, write_table
from tests.helpers.faulty_machine import Machine, Reference, make

TRIED = "faults"
"""Key of the table in what a process passes on."""


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


def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a process of pytest-xdist has tried."""
    for fault, ends in getattr(node, "workeroutput", {}).get(TRIED, {}).items():
        TABLE.setdefault(fault, Counter()).update(ends)


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    target = os.environ.get("PRETRACE_FAULTS")
    if output is not None:
        output[TRIED] = {fault: dict(ends) for fault, ends in TABLE.items()}
    elif target and TABLE:
        write_table(Path(target))
