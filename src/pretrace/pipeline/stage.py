"""Run a stage script: load settings, check inputs, record cost and tracking, report an error in one line.

    # stages/clean.py
    from pretrace.pipeline.stage import Run, run_stage

    def main(run: Run) -> None:
        ...                                   # run.settings; write the outs; run.log_metrics({...})

    if __name__ == "__main__":
        run_stage("clean", main)    # a matrix stage: run_stage("finetune", main, "tasks", "variants"), and run.cell

Works under DVC and as plain `python stages/clean.py`. Exit codes: 0 success; 1 bad input or a bug; 130 interrupted;
143 terminated.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from pretrace.common.frame import INTERRUPTED, print_error, report
from pretrace.common.processes import exit_with_parent, process_start
from pretrace.pipeline.cell import names_by_axis, read_cell
from pretrace.pipeline.check_inputs import check_inputs, record_outputs
from pretrace.pipeline.cost import write_cost
from pretrace.settings import load_settings
from pretrace.tracking.publish import publish, start_publishing
from pretrace.tracking.run import Run


class Terminated(BaseException):
    """SIGTERM was received. Not an `Exception`, so that only clean-up code runs on the way out."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


def run_stage(name: str, main: Callable[[Run], None], *axes: str) -> None:
    """Run a stage: check settings and inputs, call `main`, record its cost, pass the run to MLflow.

    Args:
        axes: sections of the settings that the stage's matrix runs over, in the order of dvc.yaml.

    Raises:
        SystemExit: the stage failed; with an exit code as above, after one line (for a bug, the traceback) on stderr.
    """
    _ensure_utf8()
    stage = name
    started = process_start()
    run: Run | None = None
    status, code, line = "FAILED", 1, ""
    try:
        with _terminable():
            settings = load_settings()
            cell = read_cell(name, axes, sys.argv[1:], settings) if axes else ()
            stage = f"{name}@{'-'.join(cell)}" if cell else name
            run = Run(stage, settings, started, cell=cell)
            if run.is_rank_zero:
                start_publishing(run)
            if os.environ.get("LOCAL_RANK", "0") == "0":
                check_inputs(name, cell, names_by_axis(settings))
            main(run)
            if run.is_rank_zero:
                record_outputs(name, cell)
                write_cost(run, time.time() - started)
        status, code = "FINISHED", 0
    except KeyboardInterrupt:
        status, code = "KILLED", INTERRUPTED
        line = print_error(stage, "interrupted; `dvc repro` resumes from here")
    except Terminated as stop:
        status, code = "KILLED", 128 + stop.number
        line = print_error(stage, f"stopped by {stop}; `dvc repro` resumes from here")
    except Exception as error:
        line = report(stage, error)
    if run is not None and run.is_rank_zero:
        run.error = line
        publish(run, status)
    if code:
        raise SystemExit(code)


def _ensure_utf8() -> None:
    """Restart in Python's UTF-8 mode if the locale has another encoding.

    Arrow and other libraries take all paths as UTF-8, and would fail in a folder whose path is not ASCII.
    """
    if sys.getfilesystemencoding().lower().replace("-", "") != "utf8":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Flush output line by line, and unwind the stack on SIGTERM, so that temporary files are deleted.

    DVC does not kill its stages when it is killed: without the death signal, a second `dvc repro` would train beside
    the orphan of the first. Only under DVC: a stage that is started by hand may outlive its shell.
    """
    streams: tuple[Any, ...] = (sys.stdout, sys.stderr)
    for stream in streams:
        with contextlib.suppress(AttributeError, OSError):
            stream.reconfigure(line_buffering=True)
    if os.environ.get("DVC_STAGE"):
        exit_with_parent(signal.SIGTERM)

    def stop(number: int, _frame: Any) -> None:
        raise Terminated(number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
