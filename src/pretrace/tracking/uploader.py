"""Sends what waits, in a process of its own; one at a time, under a lock.

A sender that is done stays for a while, if the DVC that ran the stage is there still: the next stage's record then
finds MLflow loaded, and when DVC ends, the experiment's run is ended. It holds no lock meanwhile but the one that says
that it is there.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError, mask_secrets
from pretrace.common.files import locked, project_root, read_json, scratch_folder, write_json
from pretrace.common.processes import is_alive
from pretrace.tracking.config import is_off, pending, tracking_uri, uri_for_mlflow, waiting_room
from pretrace.tracking.spool import next_to_do, open_experiments, process_of, remember, what_is_over

WAIT_SECONDS = 60.0
STAY_SECONDS = 90.0
"""More than a stage lets pass between two words about itself, so that one sender does for the whole of it."""
LOOK_SECONDS = 0.5
LONGEST_SECONDS = 900
"""For one record. A server may answer a byte now and then, for ever."""
FAILURES_IN_A_ROW = 2
LOCK, SENDER = "lock", "sender.lock"


def send_pending(folder: Path | None = None) -> str:
    """Send all records that wait, oldest first; stop when MLflow does not answer. Returns why it stopped, or "".

    Only one sender works at a time: when another one does, this returns at once and leaves the records to it. A
    sender looks again after it has let go of the lock, so a record left in that moment is not left behind.
    """
    folder = folder or waiting_room()
    reason = ""
    while not reason and (pending(folder) or what_is_over(folder)):
        try:
            with locked(folder / LOCK, wait=False):
                reason = _send_all(folder)
        except PretraceError:
            return ""
    return reason


def stay_and_send(folder: Path) -> str:
    """Send what waits, and what comes while DVC goes on; at once back if another sender is there. Returns as above."""
    reason = ""
    while not reason:
        try:
            with locked(folder / SENDER, wait=False):
                deadline = time.monotonic() + STAY_SECONDS
                while not reason and time.monotonic() < deadline:
                    if pending(folder) or what_is_over(folder):
                        reason, deadline = send_pending(folder), time.monotonic() + STAY_SECONDS
                    if not any(is_alive(process_of(path, "dvc")) for path in open_experiments(folder)):
                        break
                    time.sleep(LOOK_SECONDS)
        except PretraceError:
            return reason
        if not pending(folder):  # a record left while the lock said that somebody is there
            break
    return reason


def wait_until_sent(seconds: float = WAIT_SECONDS) -> str:
    """Send what waits, or wait for the sender at work. Returns one line that says how it went."""
    if is_off():
        return "MLflow: switched off by PRETRACE_TRACKING"
    folder, deadline, reason = waiting_room(), time.monotonic() + seconds, ""
    while not reason and (pending(folder) or what_is_over(folder)) and time.monotonic() < deadline:
        reason = send_pending(folder)
        time.sleep(0.1)
    left = len(pending(folder))
    if left:
        return f"MLflow: {left} runs wait in {folder} ({reason or 'a sender is still at work'})"
    return "MLflow: all runs sent; `make ui` shows them"


def is_there(folder: Path) -> bool:
    """Whether a sender is at work, or stays for what comes."""
    try:
        with locked(folder / SENDER, wait=False):
            return False
    except PretraceError:
        return True


def start_sender(folder: Path) -> None:
    """Start a sender that outlives DVC, holds none of its pipes and gives way to whatever else wants to run.

    It runs the owner's code: the copy of the repository that a queued experiment lives in may be gone by then.
    """
    if is_there(folder):
        return
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with (folder / "log.txt").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "pretrace.tracking", "send"],
            cwd=project_root(),
            env={**inherited, "DVC_ROOT": str(project_root())},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _send_all(folder: Path) -> str:
    """Send while there is something to send. The lock is held. Returns why it gave up, or ""."""
    from pretrace.tracking.mlflow_runs import Tracker

    reason, failures, tracker = "", 0, None
    skipped: set[Path] = set()
    while work := next_to_do(folder, skipped):
        try:
            with _limited(LONGEST_SECONDS):
                tracker = tracker or Tracker(uri_for_mlflow(), scratch_folder() / "artifacts")
                _send(tracker, folder, work)
            failures = 0
        except Exception as error:
            reason = failure(error)
            skipped.add(work)
            failures += 1
            if tracker is None or failures == FAILURES_IN_A_ROW:
                break
    remember(folder, reason)
    return reason


def failure(error: Exception) -> str:
    """Of MLflow, in one line."""
    return f"{mask_secrets(tracking_uri())}: {type(error).__name__}: {mask_secrets(' '.join(str(error).split()))[:200]}"


def _send(tracker: Any, folder: Path, work: Path) -> None:
    """Do one thing, then forget it."""
    if work.parent.name == "open":
        tracker.end(work.stem)
    elif work.parent.name == "running":
        if (folder / "running" / work.name).exists():
            tracker.send({**read_json(work), "status": "KILLED"}, work.with_suffix(""))
    else:
        record = read_json(work / "record.json")
        for path in folder.glob("running/*.json"):
            if is_alive(process_of(path)) and path.stem != record["id"]:
                tracker.send(read_json(path), path.with_suffix(""))
        tracker.send(record, work)
        note = folder / "open" / f"{record['experiment']['key']}.json"
        if record["ends_experiment"] and record["status"] == "FINISHED":
            note.unlink(missing_ok=True)
        else:
            write_json(note, {"dvc": record.get("dvc")})
        shutil.rmtree(work)
        return
    work.unlink(missing_ok=True)


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """What takes longer is ended by an error, where the system can do that."""

    def late(*_: Any) -> None:
        raise TimeoutError(f"no end after {seconds} s")

    try:
        before = signal.signal(signal.SIGALRM, late)
    except (AttributeError, ValueError):  # not here, or not the main thread
        yield
        return
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
