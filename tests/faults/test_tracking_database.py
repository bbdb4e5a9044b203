"""MLflow's database at its first opening: by two at once, and by one that is killed meanwhile."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from pretrace.common.files import locked
from tests.helpers import tiny_project as tiny
from tests.helpers.fault_records import Faults
from tests.helpers.faulty_machine import SYSTEM, Machine, Reference, left_over, name_of, wait_for

STAGE = ("bpe", SYSTEM)
SEED = 12
MAKING_SECONDS = 3.0
"""More than it takes to make the tables of MLflow."""


def run(machine: Machine, clone: Path, **tracking: str) -> None:
    """Run the stage, and leave its record in the queue: an uploader in the background has the lowest priority."""
    with locked(clone / ".pretrace" / "tracking" / "uploader.lock"):
        machine.well(clone, STAGE, **tracking)


def uploader(clone: Path, **tracking: str) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": "", **tracking}
    return subprocess.Popen([sys.executable, "-m", "pretrace.tracking", "wait"], cwd=clone, env=environment)


def count_runs(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("select count(*) from runs where name = ?", (name_of(STAGE),)).fetchone()[0]


def test_new_database_is_shared_by_two_clones(
    machine: Machine, reference: Reference, place: Path, faults: Faults
) -> None:
    """Each clone has a lock for its own queue, which does not help here."""
    database = place / "shared" / "mlflow.db"
    tracking = {"PRETRACE_TRACKING": "on", "MLFLOW_TRACKING_URI": f"sqlite:///{database}"}
    clones = [reference.before(STAGE, place / name) for name in ("one", "other")]
    for clone in clones:
        run(machine, clone, **tracking)
    uploaders = [uploader(clone, **tracking) for clone in clones]
    assert [one.wait() for one in uploaders] == [0, 0]
    assert count_runs(database) == len(clones)
    for clone in clones:
        faults.check("two first users of MLflow's database", reference.differences(clone, [STAGE]) + left_over(clone))


KILLS = [pytest.param(n, marks=[] if n < 1 else [pytest.mark.nightly], id=str(n)) for n in range(8)]


@pytest.mark.parametrize("number", KILLS)
def test_new_database_survives_kill_of_its_first_user(
    number: int, machine: Machine, reference: Reference, place: Path, faults: Faults
) -> None:
    database = place / "shared" / "mlflow.db"
    tracking = {"PRETRACE_TRACKING": "on", "MLFLOW_TRACKING_URI": f"sqlite:///{database}"}
    clone = reference.before(STAGE, place / "one")
    run(machine, clone, **tracking)
    first = uploader(clone, **tracking)
    wait_for(database.with_name("mlflow.db.lock").exists)
    time.sleep(random.Random(f"{SEED} {number}").random() * MAKING_SECONDS)
    first.kill()
    first.wait()
    assert uploader(clone, **tracking).wait() == 0
    assert count_runs(database) == 1
    differences = reference.differences(clone, [STAGE]) + left_over(place)
    faults.check("SIGKILL of the first user of MLflow's database", differences)


def test_file_that_is_no_database_is_one_line(place: Path) -> None:
    """`make ui` opens it before it starts the server."""
    (place / "mlflow.db").write_text("no database\n")
    uri = f"sqlite:///{place}/mlflow.db"
    done = tiny.run(place, sys.executable, "-m", "pretrace.tracking", "open", MLFLOW_TRACKING_URI=uri)
    assert done.returncode == 1
    assert done.stderr.startswith(f"pretrace: {uri}: ") and done.stderr.count("\n") == 1, done.stderr
