"""The pipeline over and over: memory, open files, temporary folders and MLflow's database do not grow.

PRETRACE_SOAK_MINUTES=2 python -m pytest tests/faults/test_soak.py -m nightly
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY
from tests.helpers import tiny_project as tiny
from tests.helpers.faulty_machine import STAGES, Reference, copy, files_below, make, outputs, wait_for
from tests.helpers.process_table import processes_in

pytestmark = pytest.mark.nightly
MINUTES = float(os.environ.get("PRETRACE_SOAK_MINUTES", "30"))
LEAST_ROUNDS = 4
IN_ONE_PROCESS = """
import ctypes, gc, json, os, runpy, shutil, sys, time
sys.path.insert(0, {repository!r})
from pathlib import Path
from tests.helpers import stage_server
for name in stage_server.LOADED:
    __import__(name)
stage_server.start_workers_with("forkserver")
trim = getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)  # the C library's empty pages are no growth
end = time.monotonic() + {minutes} * 60
rounds = 0
while rounds < {least} or time.monotonic() < end:
    shutil.rmtree(".pretrace", ignore_errors=True)  # what would save a stage its work
    for stage in {stages!r}:
        sys.argv = [f"stages/{{stage[0]}}.py", *stage[1:]]
        runpy.run_path(sys.argv[0], run_name="__main__")
    gc.collect()
    trim(0)
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    print(json.dumps({{"resident": resident, "files": len(os.listdir("/proc/self/fd"))}}), flush=True)
    rounds += 1
"""
ENDLESS = ("collect", "evaluation", "clean", "bpe", "shard", "text_models", "pretrain", "tasks", "encode")
ENDLESS += ("baselines", "cells", "zeroshot", "frozen", "report")
"""Stages that can be run again in one process; fine-tuning works in processes of its own."""
GROWTH = 1.03
"""The most that a process may hold in the last third of its rounds, for what it held at most in the third before: it
moves by some megabytes from round to round; a model, a figure or a corpus that stayed is more."""


def test_memory_of_one_process_does_not_grow(reference: Reference, place: Path) -> None:
    """All stages but fine-tuning, again and again in the same process."""
    reference.before(STAGES[0], place)
    stages = [stage for stage in STAGES if stage[0] in ENDLESS]
    made_by_hand = [stage for stage in STAGES if stage[0] == "finetune"]
    for stage in made_by_hand:  # the report reads it
        reference_of(reference, stage, place)
    code = IN_ONE_PROCESS.format(repository=str(REPOSITORY), minutes=MINUTES / 2, least=12, stages=stages)
    rounds = [json.loads(line) for line in tiny.must(place, sys.executable, "-c", code).splitlines() if line[:1] == "{"]
    resident = [one["resident"] for one in rounds]
    print(len(rounds), "rounds in one process, MB:", *(number // 1_000_000 for number in resident))
    assert max(one["files"] for one in rounds[1:]) <= rounds[1]["files"]
    third = len(rounds) // 3
    assert max(resident[-third:]) <= GROWTH * max(resident[-2 * third : -third])


def reference_of(reference: Reference, stage: tuple[str, ...], folder: Path) -> None:
    for path in outputs(stage):
        copy(reference.folder / path, folder / path)


def test_repeated_repro_leaves_only_database_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`dvc repro` of all stages again and again, published to MLflow: a round leaves only its runs there."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    folder = make(tmp_path / "project")
    tiny.commit(folder, "tiny")
    environment = {"PRETRACE_TRACKING": "on", "TMPDIR": str(temporary)}
    end, rounds = time.monotonic() + MINUTES / 2 * 60, []
    while len(rounds) < LEAST_ROUNDS or time.monotonic() < end:
        tiny.dvc(folder, "repro", "--force", "--no-run-cache", **environment)
        tiny.must(folder, sys.executable, "-m", "pretrace.tracking", "wait", PYTHONPATH="src", **environment)
        wait_for(lambda: not processes_in(folder))  # the uploader waits a while for more records
        rounds.append(state_of(folder, temporary))
    print(len(rounds), "rounds of DVC:", rounds[1], rounds[-1])
    second, last, more = rounds[1], rounds[-1], len(rounds) - 2
    assert last["temporary"] <= second["temporary"]
    assert last["files"] == second["files"]
    assert last["runs"] - second["runs"] == more * (rounds[1]["runs"] - rounds[0]["runs"])
    # A page of SQLite is 4 KB; what a round writes is the same each time.
    assert last["database"] - second["database"] <= more * (rounds[1]["database"] - rounds[0]["database"] + 65536)
    peaks = [state["peak"] for state in rounds]
    assert peaks[-1] <= 1.1 * max(peaks[:2])


def state_of(folder: Path, temporary: Path) -> dict[str, int]:
    with sqlite3.connect(folder / ".pretrace" / "mlflow.db") as database:
        runs = database.execute("select count(*) from runs").fetchone()[0]
    kept = [path for path in files_below(folder, ["."]) if ".dvc/tmp" not in str(path) and ".git/" not in str(path)]
    kept = [path for path in kept if "artifacts" not in path.parts]  # a run's own
    costs = json.loads((folder / "reports" / "cost.json").read_text())
    return {
        "temporary": len(list(temporary.iterdir())),
        "files": len(kept),
        "runs": runs,
        "database": (folder / ".pretrace" / "mlflow.db").stat().st_size,
        "peak": max(cost["peak_memory_bytes"] for cost in costs.values()),
    }
