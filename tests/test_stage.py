"""The frame around a stage: exit codes, one line for a person, what it cost, and that it dies with DVC."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pretrace.stage import Run, run_stage

PATIENCE = 30.0
STAGE = """
import errno, os, sys, time
from pathlib import Path
from pretrace.errors import PretraceError
from pretrace.files import atomic_folder
from pretrace.stage import Run, run_stage

def main(run: Run) -> None:
    how = sys.argv[1]
    Path("main-ran").touch()
    run.cost["device"] = "cpu"
    if how == "bad":
        raise PretraceError("rows.csv: row 3: no label;\\n give one")
    if how == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out.bin")
    if how == "broken":
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    if how == "not allowed":
        raise RuntimeError("SafetensorError: Permission denied (os error 13)")
    if how == "memory":
        raise MemoryError
    if how == "torch's memory":
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")
    if how == "defect":
        raise ZeroDivisionError
    if how == "wait":
        with atomic_folder("out"):
            print("waiting")
            time.sleep(60)

if __name__ == "__main__":
    run_stage("clean", main, *sys.argv[2:])
"""


@pytest.fixture
def stage(project: Path) -> list[str]:
    (project / "stage.py").write_text(STAGE)
    return [sys.executable, "stage.py"]


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=PATIENCE)


def costs() -> Any:
    return json.loads(Path("reports/cost.json").read_text())


def test_a_stage_notes_what_it_cost(stage: list[str]) -> None:
    done = run(*stage, "well")
    assert (done.returncode, done.stderr) == (0, "")
    entry = costs()["clean"]
    assert entry["device"] == "cpu"
    assert entry["seconds"] > 0
    assert 1e6 < entry["peak_memory_bytes"] < 1e9


def test_of_several_processes_of_torchrun_one_writes(stage: list[str]) -> None:
    others = {"MASTER_ADDR": "localhost", "WORLD_SIZE": "2"}
    assert run(*stage, "well", **others, RANK="1").returncode == 0
    assert not Path("reports/cost.json").exists()
    assert run(*stage, "well", **others, RANK="0").returncode == 0
    assert list(costs()) == ["clean"]


def test_costs_of_other_stages_stay_and_the_order_is_fixed(stage: list[str]) -> None:
    run(*stage, "well", "source", "full")
    run(*stage, "well")
    assert list(costs()) == ["clean", "clean@source-full"]


def test_a_broken_cost_file_fails_no_stage(stage: list[str]) -> None:
    Path("reports").mkdir()
    Path("reports/cost.json").write_text('{"clean": ')
    assert run(*stage, "well").returncode == 0
    assert list(costs()) == ["clean"]


def test_stages_that_end_at_once_are_all_in_the_cost_file(stage: list[str]) -> None:
    processes = [subprocess.Popen([*stage, "well", str(number)]) for number in range(4)]
    assert [process.wait(PATIENCE) for process in processes] == [0] * 4
    assert sorted(costs()) == [f"clean@{number}" for number in range(4)]


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ("bad", "rows.csv: row 3: no label; give one"),
        ("full", "out.bin: the disk is full"),
        ("broken", "a file below cannot be read or written (Input/output error)"),
        ("not allowed", "not allowed (Permission denied)"),
        ("memory", "not enough memory"),
        ("torch's memory", "not enough memory"),
    ],
)
def test_bad_input_is_one_line(stage: list[str], how: str, line: str) -> None:
    done = run(*stage, how, "a", "b")
    assert done.returncode == 1
    assert done.stderr.startswith("pretrace: clean@a-b: ")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
    assert not Path("reports/cost.json").exists()


def test_bad_settings_stop_a_stage_before_it_runs(stage: list[str]) -> None:
    Path("params.yaml").write_text("scale: laptop\nlrr: 1\n")
    done = run(*stage, "well")
    assert done.returncode == 1
    assert done.stderr.startswith("pretrace: clean: params.yaml: ")
    assert not Path("main-ran").exists()


def test_a_defect_shows_its_traceback(stage: list[str]) -> None:
    done = run(*stage, "defect")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_stage_says_so_and_leaves_no_half_output(stage: list[str], number: int, code: int) -> None:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # A shell's background job ignores SIGINT, and so would what it starts: the tests may be such a job themselves.
    process = subprocess.Popen(
        [*stage, "wait"], preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler), **pipes
    )
    assert process.stdout.readline() == "waiting\n"  # also shows that output is not held back
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert errors.count("\n") == 1
    assert "dvc repro" in errors
    assert not [path for path in Path().iterdir() if "out" in path.name]


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_a_stage_dies_with_the_dvc_that_started_it(stage: list[str], project: Path) -> None:
    code = "import subprocess, sys; subprocess.run(sys.argv[1:], stdout=open('said', 'w'), stderr=open('errors', 'w'))"
    environment = {**os.environ, "DVC_STAGE": "clean"}
    dvc = subprocess.Popen([sys.executable, "-c", code, *stage, "wait"], env=environment)
    wait_for(lambda: (project / "said").exists() and "waiting" in (project / "said").read_text())
    dvc.kill()
    dvc.wait(PATIENCE)
    wait_for(lambda: "stopped by SIGTERM" in (project / "errors").read_text())


def test_tracking_that_fails_fails_no_stage(project: Path, monkeypatch: Any, capsys: Any) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr("pretrace.tracking.hand_over", broken)
    run_stage("clean", lambda run: None)
    assert capsys.readouterr().err == "pretrace: clean: not shown in MLflow: RuntimeError: no room\n"
    assert "clean" in costs()


def test_only_numbers_become_metrics(project: Path) -> None:
    seen: list[Run] = []

    def main(run: Run) -> None:
        run.log_metrics({"loss": 1.5, "steps": 3, "name": "x", "nested": {}, "sure": True})
        seen.append(run)

    run_stage("clean", main)
    assert seen[0].metrics == {"loss": 1.5, "steps": 3}


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
