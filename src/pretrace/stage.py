"""The frame around every stage script: settings in, cost and tracking out, one line for a person when it goes wrong.

    # stages/clean.py
    from pretrace.stage import Run, run_stage

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
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pretrace import tracking
from pretrace.errors import PretraceError, masked
from pretrace.files import CANNOT_WRITE, DISK_FULL, error_number, locked, read_json, scratch_folder, write_json
from pretrace.origin import origin
from pretrace.parent import end_with_parent
from pretrace.settings import Settings, load_settings
from pretrace.tracking import SystemWatch
from pretrace.written import note_outputs, refuse_changed_inputs

COST_FILE = Path("reports/cost.json")
PUBLISH_EVERY_SECONDS = 60.0
NO_MEMORY = "can't allocate memory"
"""How PyTorch says it."""


class Stopped(BaseException):
    """SIGTERM arrived. Not an `Exception`, so that only clean-up code meets it on its way out."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


@dataclass
class Run:
    """One run of a stage, given to the stage's `main`."""

    name: str
    """The stage as DVC names it: "clean", or "finetune@source-full" for a cell of a matrix."""
    settings: Settings
    started: float
    """When the process started, in seconds since the epoch."""
    cost: dict[str, Any] = field(default_factory=dict)
    """What depends on the clock or the machine (tokens_per_second, mfu, device): goes to reports/cost.json."""
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    curves: list[Path] = field(default_factory=list)
    artifacts: list[Path] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)
    parent_metrics: dict[str, float] = field(default_factory=dict)
    parent_note: str = ""
    error: str = ""
    """Why it failed, in a line."""
    watch: SystemWatch | None = field(default=None, repr=False)
    ends_experiment: bool = False
    """Set by the report stage: after it, the experiment's parent run is finished."""
    published: float = field(default=0.0, repr=False)
    """When `publish` last acted, in seconds since the epoch; less often is enough for a person who watches."""

    @property
    def first(self) -> bool:
        """Whether this process writes files and is shown: not if `torchrun` has started it beside another one."""
        return "MASTER_ADDR" not in os.environ or os.environ.get("RANK", "0") == "0"

    def log_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Show the numbers among `metrics` in MLflow. The stage's own metric file stays the source of truth."""
        self.metrics.update(_numbers(metrics))

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Show what this run was made with, beyond the settings."""
        self.params.update(params)

    def log_curve(self, path: Path | str) -> None:
        """Show a curve: JSONL, or a JSON list, of rows like `{"step": 10, "loss": 5.1}`. Read when the stage ends."""
        self.curves.append(Path(path))

    def log_artifact(self, path: Path | str) -> None:
        """Show a file or folder that the stage wrote."""
        self.artifacts.append(Path(path))

    def log_experiment_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Show numbers on the parent run, where whole experiments are compared."""
        self.parent_metrics.update(_numbers(metrics))

    def describe_experiment(self, markdown: str) -> None:
        """Show a text on the parent run."""
        self.parent_note = markdown

    def log_models(self, models: list[dict[str, Any]]) -> None:
        """Put fine-tuned models into MLflow's registry: what `pretrace.tracking.best_models` gives."""
        self.models += models

    def publish(self) -> None:
        """Show in MLflow how far a long stage is: its curves up to now. Call it often; it acts once a minute."""
        if self.first and time.time() - self.published > PUBLISH_EVERY_SECONDS:
            self.published = time.time()
            _track(self, "RUNNING")


def run_stage(name: str, main: Callable[[Run], None], *key_parts: str) -> None:
    """Run a stage: check settings and inputs, call `main`, record what it cost, hand the run to MLflow.

    `key_parts` are the matrix cell's keys in DVC's order. Returns when the stage is done, else ends the process.

    Raises:
        SystemExit: with the exit code above, after one line (or, for a defect, the traceback) on stderr.
    """
    stage = f"{name}@{'-'.join(key_parts)}" if key_parts else name
    started = _process_start()
    run: Run | None = None
    status, code, said = "FAILED", 1, ""
    try:
        with _stoppable():
            run = Run(stage, load_settings(), started)
            if run.first:
                _watch(run)
            if os.environ.get("LOCAL_RANK", "0") == "0":
                axes = {"tasks": run.settings.tasks, "variants": run.settings.variants}
                refuse_changed_inputs(name, key_parts, axes)
            main(run)
            if run.first:
                note_outputs(name, key_parts)
                _write_cost(run, time.time() - started)
        status, code = "FINISHED", 0
    except PretraceError as error:
        said = _say(stage, str(error))
    except KeyboardInterrupt:
        status, code = "KILLED", 130
        said = _say(stage, "interrupted; `dvc repro` goes on from here")
    except Stopped as stop:
        status, code = "KILLED", 128 + stop.number
        said = _say(stage, f"stopped by {stop}; `dvc repro` goes on from here")
    except Exception as error:
        known = _said_by_the_system(error)
        said = _say(stage, known) if known else _defect(error)
    if run is not None and run.first:
        run.error = said
        _track(run, status)
    if code:
        raise SystemExit(code)


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {key: value for key, value in metrics.items() if isinstance(value, int | float) and type(value) is not bool}


def _said_by_the_system(error: Exception) -> str:
    """One line where the disk, its rights or the memory are at fault; "" for a defect."""
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


def _say(stage: str, text: str) -> str:
    line = " ".join(text.split())
    print(f"pretrace: {stage}: {line}", file=sys.stderr, flush=True)
    return line


def _defect(error: Exception) -> str:
    traceback.print_exc()
    return f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Lines appear as they are written; SIGTERM unwinds the stack, so that temporary files go.

    A killed DVC does not kill its stages: without the death signal, a second `dvc repro` would train beside the first
    one's orphan. Only under DVC: a stage started by hand may outlive its shell.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError):
            stream.reconfigure(line_buffering=True)
    if os.environ.get("DVC_STAGE"):
        end_with_parent(signal.SIGTERM)

    def stop(number: int, _frame: Any) -> None:
        raise Stopped(number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _process_start() -> float:
    """When this process started, in seconds since the epoch, so that imports count as the stage's cost."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        age = 0.0
    return time.time() - age


def peak_memory_bytes() -> int:
    """Largest resident size of this process, or of one of its finished children.

    From VmHWM where there is one: `ru_maxrss` of a fresh process begins at the size of the one that started it.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        own = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return max(own, children)


def _write_cost(run: Run, seconds: float) -> None:
    entry = {"seconds": round(seconds, 2), "peak_memory_bytes": peak_memory_bytes(), **run.cost, **origin()}
    if not tracking.is_off():
        entry["mlflow_record"] = tracking.record_id(run)
    with locked(scratch_folder() / "cost.lock"):
        try:
            costs = read_json(COST_FILE)
        except PretraceError:
            costs = {}  # missing, or cut off by a crash: what a stage cost is no reason to fail the next one
        costs = costs if isinstance(costs, dict) else {}
        costs[run.name] = entry
        write_json(COST_FILE, json.loads(json.dumps(costs, sort_keys=True)))


def _watch(run: Run) -> None:
    """Begin to show the run in MLflow, and to look at the machine for it."""
    if not tracking.is_off():
        run.watch = tracking.SystemWatch().start()
        _quietly(run, lambda: tracking.announce(run))


def _track(run: Run, status: str) -> None:
    if run.watch and status != "RUNNING":
        run.watch.stop()
    _quietly(run, lambda: tracking.hand_over(run, status))


def _quietly(run: Run, action: Callable[[], None]) -> None:
    """MLflow watches and never decides: whatever goes wrong there is one line, no failure."""
    try:
        action()
    except Exception as error:
        _say(run.name, masked(f"not shown in MLflow: {type(error).__name__}: {error}"))
