"""The frame around every stage script: settings in, cost and tracking out, one line for a person when it goes wrong.

    # stages/clean.py
    from pretrace.pipeline.stage import Run, run_stage

    def main(run: Run) -> None:
        ...                                   # run.settings; write the outs; run.log_metrics({...})

    if __name__ == "__main__":
        run_stage("clean", main)              # a matrix stage: run_stage("finetune", main, task, variant)

Works under DVC and as plain `python stages/clean.py`. Exit codes: 0 done; 1 bad input or a defect; 130 interrupted;
143 terminated.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.extras import explain_missing
from pretrace.common.files import CANNOT_WRITE, DISK_FULL, error_number
from pretrace.common.processes import exit_with_parent, process_start
from pretrace.pipeline.check_inputs import check_inputs, record_outputs
from pretrace.pipeline.cost import write_cost
from pretrace.settings import load_settings
from pretrace.tracking.publish import print_error, publish, start_publishing
from pretrace.tracking.run import Run

NO_MEMORY = "can't allocate memory"
"""How PyTorch says it."""


class Terminated(BaseException):
    """SIGTERM arrived. Not an `Exception`, so that only clean-up code meets it on its way out."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


def run_stage(name: str, main: Callable[[Run], None], *key_parts: str) -> None:
    """Run a stage: check settings and inputs, call `main`, record what it cost, hand the run to MLflow.

    `key_parts` are the matrix cell's keys in DVC's order. Returns when the stage is done, else ends the process.

    Raises:
        SystemExit: with the exit code above, after one line (or, for a defect, the traceback) on stderr.
    """
    _speak_utf8()
    stage = f"{name}@{'-'.join(key_parts)}" if key_parts else name
    started = process_start()
    run: Run | None = None
    status, code, said = "FAILED", 1, ""
    try:
        with _stoppable():
            run = Run(stage, load_settings(), started)
            if run.is_rank_zero:
                start_publishing(run)
            if os.environ.get("LOCAL_RANK", "0") == "0":
                axes: dict[str, Mapping[str, Any]] = {"tasks": run.settings.tasks, "variants": run.settings.variants}
                check_inputs(name, key_parts, axes)
            main(run)
            if run.is_rank_zero:
                record_outputs(name, key_parts)
                write_cost(run, time.time() - started)
        status, code = "FINISHED", 0
    except PretraceError as error:
        said = print_error(stage, str(error))
    except KeyboardInterrupt:
        status, code = "KILLED", 130
        said = print_error(stage, "interrupted; `dvc repro` goes on from here")
    except Terminated as stop:
        status, code = "KILLED", 128 + stop.number
        said = print_error(stage, f"stopped by {stop}; `dvc repro` goes on from here")
    except Exception as error:
        known = _said_by_the_system(error)
        said = print_error(stage, known) if known else _defect(error)
    if run is not None and run.is_rank_zero:
        run.error = said
        publish(run, status)
    if code:
        raise SystemExit(code)


def _speak_utf8() -> None:
    """Begin again in Python's UTF-8 mode if the locale is of another encoding.

    Arrow and others take every name as UTF-8: a folder with other letters than ASCII could not be worked in.
    """
    if sys.getfilesystemencoding().lower().replace("-", "") != "utf8":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _said_by_the_system(error: Exception) -> str:
    """One line where the disk, its rights, the memory or the installation are at fault; "" for a defect."""
    if missing := explain_missing(error):
        return missing
    number = error_number(error)
    place = getattr(error, "filename", None) or Path.cwd()
    if isinstance(error, MemoryError) or number == errno.ENOMEM or NO_MEMORY in str(error):
        return "not enough memory; free some, or take smaller sizes in the scale's file"
    if number in DISK_FULL:
        return f"{place}: the disk is full; free some room and run again"
    if number in CANNOT_WRITE:
        return f"{place}: not allowed ({os.strerror(number)}); check who owns it"
    if number == errno.EIO:
        return f"{place}: a file below cannot be read or written ({os.strerror(number)}); look after the disk"
    return ""


def _defect(error: Exception) -> str:
    traceback.print_exc()
    return f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Lines appear as they are written; SIGTERM unwinds the stack, so that temporary files go.

    A killed DVC does not kill its stages: without the death signal, a second `dvc repro` would train beside the first
    one's orphan. Only under DVC: a stage started by hand may outlive its shell.
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
