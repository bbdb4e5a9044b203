"""The frame around a stage: exit codes, one line for a person, and that it dies with DVC."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pretrace.pipeline.stage import Run, run_stage
from tests.helpers.stage_script import PATIENCE, costs, run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "line"),
    [
        ("bad", "rows.csv: row 3: no label; give one"),
        ("full", "out.bin: the disk is full"),
        ("broken", "a file in it cannot be read or written (Input/output error)"),
        ("not allowed", "not allowed (Permission denied)"),
        ("memory", "not enough memory"),
        ("torch's memory", "not enough memory"),
    ],
)
def test_stage_reports_bad_input_in_one_line(stage: list[str], how: str, line: str) -> None:
    done = run(*stage, how, "source", "full")
    assert done.returncode == 1
    assert done.stderr.startswith("pretrace: clean@source-full: ")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
    assert not Path("reports/cost.json").exists()


def test_stage_checks_settings_before_it_runs(stage: list[str]) -> None:
    Path("params.yaml").write_text("scale: laptop\nlrr: 1\n")
    done = run(*stage, "well")
    assert done.returncode == 1
    assert done.stderr.startswith("pretrace: clean: params.yaml: ")
    assert not Path("main-ran").exists()


@pytest.mark.slow
def test_stage_shows_the_traceback_of_a_bug(stage: list[str]) -> None:
    done = run(*stage, "defect")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped_stage_says_so_and_leaves_no_partial_output(stage: list[str], number: int, code: int) -> None:
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


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_stage_exits_with_its_dvc(stage: list[str], project: Path) -> None:
    code = "import subprocess, sys; subprocess.run(sys.argv[1:], stdout=open('said', 'w'), stderr=open('errors', 'w'))"
    environment = {**os.environ, "DVC_STAGE": "clean"}
    dvc = subprocess.Popen([sys.executable, "-c", code, *stage, "wait"], env=environment)
    wait_for(lambda: (project / "said").exists() and "waiting" in (project / "said").read_text())
    dvc.kill()
    dvc.wait(PATIENCE)
    wait_for(lambda: "stopped by SIGTERM" in (project / "errors").read_text())


def test_stage_survives_an_error_of_tracking(project: Path, monkeypatch: Any, capsys: Any) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr("pretrace.tracking.publish.enqueue", broken)
    run_stage("clean", lambda run: None)
    assert capsys.readouterr().err == "pretrace: clean: not published to MLflow: RuntimeError: no room\n"
    assert "clean" in costs()


def test_metrics_are_numbers_only(project: Path) -> None:
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
