"""Uploads the queue to MLflow, in a process of its own; one at a time, under a lock.

An uploader that has emptied the queue stays for a while if the DVC process that ran the stage is still alive: the next
stage's record then finds MLflow loaded, and when DVC ends, the experiment's run is ended. Meanwhile it holds only the
lock that marks it as running.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import locked, project_root, scratch_folder
from pretrace.common.mask import mask_secrets
from pretrace.common.processes import is_alive
from pretrace.schemas.record import write_record
from pretrace.schemas.tracking import StateFile
from pretrace.tracking.config import is_off, mlflow_uri, queued_records, spool_folder, tracking_uri
from pretrace.tracking.spool.state import (
    OPEN,
    RUNNING,
    abandoned,
    next_job,
    open_experiments,
    process_of,
    read_run,
    running_stages,
    save_error,
)

WAIT_SECONDS = 60.0
STAY_SECONDS = 90.0
"""Longer than the interval at which a stage publishes its progress, so that one uploader serves the whole stage."""
POLL_SECONDS = 0.5
RECORD_SECONDS = 900
"""Time limit of one record. A server may answer a byte now and then, for ever."""
MAX_FAILURES = 2
"""Failures in a row after which an uploader gives up."""
LOCK, UPLOADER_LOCK = "lock", "uploader.lock"


def upload_queued(folder: Path | None = None) -> str:
    """Upload all queued records, oldest first, until MLflow does not answer. Return why it stopped, or "".

    Only one uploader works at a time: if another one does, return at once and leave the records to it. The queue is
    checked again after the lock is released, so a record queued in that moment is not left behind.
    """
    folder = folder or spool_folder()
    reason = ""
    while not reason and (queued_records(folder) or abandoned(folder)):
        try:
            with locked(folder / LOCK, wait=False):
                reason = _upload_all(folder)
        except PretraceError:
            return ""
    return reason


def upload_while_dvc_runs(folder: Path) -> str:
    """Upload the queue, and whatever is added while DVC runs; return at once if another uploader is running.

    Return why it stopped, or "".
    """
    reason = ""
    while not reason:
        try:
            with locked(folder / UPLOADER_LOCK, wait=False):
                deadline = time.monotonic() + STAY_SECONDS
                while not reason and time.monotonic() < deadline:
                    if queued_records(folder) or abandoned(folder):
                        reason, deadline = upload_queued(folder), time.monotonic() + STAY_SECONDS
                    if not any(is_alive(process_of(path, "dvc")) for path in open_experiments(folder)):
                        break
                    time.sleep(POLL_SECONDS)
        except PretraceError:
            return reason
        if not queued_records(folder):  # else a stage queued a record while the lock marked this uploader as running
            break
    return reason


def wait_until_uploaded(seconds: float = WAIT_SECONDS) -> str:
    """Upload the queue, or wait for the uploader that is running. Return the outcome in one line."""
    if is_off():
        return "MLflow: switched off by PRETRACE_TRACKING"
    folder, deadline, reason = spool_folder(), time.monotonic() + seconds, ""
    while not reason and (queued_records(folder) or abandoned(folder)) and time.monotonic() < deadline:
        reason = upload_queued(folder)
        time.sleep(0.1)
    left = len(queued_records(folder))
    if left:
        return f"MLflow: {left} runs are queued in {folder} ({reason or 'an uploader is still running'})"
    return "MLflow: all runs are uploaded; `make ui` shows them"


def is_uploader_running(folder: Path) -> bool:
    """Return True if an uploader is working, or waiting for new records."""
    try:
        with locked(folder / UPLOADER_LOCK, wait=False):
            return False
    except PretraceError:
        return True


def start_uploader(folder: Path) -> None:
    """Start an uploader that outlives DVC, holds none of its pipes and has the lowest priority.

    It runs the code of the original repository: the copy that a queued experiment lives in may be deleted by then.
    """
    if is_uploader_running(folder):
        return
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with (folder / "log.txt").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "pretrace.tracking", "upload"],
            cwd=project_root(),
            env={**inherited, "DVC_ROOT": str(project_root())},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _upload_all(folder: Path) -> str:
    """Upload until nothing is left; the lock is held. Return why it gave up, or ""."""
    from pretrace.tracking.mlflow_client.runs import Tracker

    reason, failures, tracker = "", 0, None
    skipped: set[Path] = set()
    while job := next_job(folder, skipped):
        try:
            with _time_limit(RECORD_SECONDS):
                tracker = tracker or Tracker(mlflow_uri(), scratch_folder() / "artifacts")
                _upload(tracker, folder, job)
            failures = 0
        except Exception as error:
            reason = describe_error(error)
            skipped.add(job)
            failures += 1
            if tracker is None or failures == MAX_FAILURES:
                break
    save_error(folder, reason)
    return reason


def describe_error(error: Exception) -> str:
    """Return MLflow's URI and an error of MLflow in one line, without secrets."""
    return f"{mask_secrets(tracking_uri())}: {type(error).__name__}: {mask_secrets(' '.join(str(error).split()))[:200]}"


def _upload(tracker: Any, folder: Path, job: Path) -> None:
    """Upload one job of `next_job`, then delete it."""
    if job.parent.name == OPEN:
        tracker.end_experiment(job.stem)
    elif job.parent.name == RUNNING:
        if job.exists():
            tracker.upload(read_run(job).model_copy(update={"status": "KILLED"}), job.with_suffix(""))
    else:
        record = read_run(job / "record.json")
        for path in running_stages(folder):
            if is_alive(process_of(path)) and path.stem != record.id:
                with suppress(PretraceError):  # it ended in this moment, or another version wrote it
                    tracker.upload(read_run(path), path.with_suffix(""))
        tracker.upload(record, job)
        experiment = folder / OPEN / f"{record.experiment.key}.json"
        if record.ends_experiment and record.status == "FINISHED":
            experiment.unlink(missing_ok=True)
        else:
            write_record(experiment, StateFile(dvc=record.dvc))
        shutil.rmtree(job)
        return
    job.unlink(missing_ok=True)


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """Raise `TimeoutError` in the body after some seconds, where the system can do that."""

    def expire(*_: Any) -> None:
        raise TimeoutError(f"timed out after {seconds} s")

    try:
        before = signal.signal(signal.SIGALRM, expire)
    except (AttributeError, ValueError):  # no such signal here, or not the main thread
        yield
        return
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
