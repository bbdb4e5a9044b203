"""Sends what waits, in a process of its own; one at a time, under a lock."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from pretrace.errors import PretraceError
from pretrace.files import locked, project_root, read_json, scratch_folder
from pretrace.tracking.place import is_off, pending, tracking_uri, waiting_room

WAIT_SECONDS = 60.0
FAILURES_IN_A_ROW = 2


def send_pending(folder: Path | None = None) -> str:
    """Send all records that wait, oldest first; stop when MLflow does not answer. Returns why it stopped, or "".

    Only one sender works at a time: when another one does, this returns at once and leaves the records to it. A
    sender looks again after it has let go of the lock, so a record left in that moment is not left behind.
    """
    folder = folder or waiting_room()
    reason = ""
    while not reason and pending(folder):
        try:
            with locked(folder / "lock", wait=False):
                reason = _send_all(folder)
        except PretraceError:
            return ""
    return reason


def wait_until_sent(seconds: float = WAIT_SECONDS) -> str:
    """Send what waits, or wait for the sender at work. Returns one line that says how it went."""
    if is_off():
        return "MLflow: switched off by PRETRACE_TRACKING"
    folder, deadline, reason = waiting_room(), time.monotonic() + seconds, ""
    while not reason and pending(folder) and time.monotonic() < deadline:
        reason = send_pending(folder)
        time.sleep(0.1)
    left = len(pending(folder))
    if left:
        return f"MLflow: {left} runs wait in {folder} ({reason or 'a sender is still at work'})"
    return "MLflow: all runs sent; `make ui` shows them"


def start_sender(folder: Path) -> None:
    """Start a sender that outlives DVC, holds none of its pipes and gives way to whatever else wants to run.

    It runs the owner's code: the copy of the repository that a queued experiment lives in may be gone by then.
    """
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

    reason, failures, tracker, skipped = "", 0, None, set()
    while records := [record for record in pending(folder) if record.name not in skipped]:
        try:
            tracker = tracker or Tracker(tracking_uri(), scratch_folder() / "artifacts")
            tracker.send(read_json(records[0] / "record.json"), records[0] / "artifacts")
            shutil.rmtree(records[0])
            failures = 0
        except Exception as error:
            reason = f"{tracking_uri()}: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
            skipped.add(records[0].name)
            failures += 1
            if tracker is None or failures == FAILURES_IN_A_ROW:
                break
    _remember(folder, reason)
    return reason


def _remember(folder: Path, reason: str) -> None:
    """Leave the reason for the next stage to say, once; forget it when sending works again."""
    if not reason:
        (folder / "unsent.txt").unlink(missing_ok=True)
        (folder / "told.txt").unlink(missing_ok=True)
    elif not (folder / "told.txt").exists():
        text = f"MLflow is not reached, runs wait in {folder} and are sent when it is ({reason})\n"
        (folder / "unsent.txt").write_text(text, encoding="utf-8")
