"""`pretrace track`: how many runs wait for MLflow, and `--resend`, which sends them.

Where DVC had everything already, no stage runs and none tells MLflow; `--resend` and the end of `make repro` notice
that, and leave the results of the workspace as an experiment of which every stage was cached.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from pretrace.common.errors import PretraceError, mask_secrets
from pretrace.common.files import read_json, sha256_of_file
from pretrace.settings import load_settings
from pretrace.tracking.config import is_off, pending, tracking_uri, waiting_room
from pretrace.tracking.record import leave_restored
from pretrace.tracking.uploader import is_there, wait_until_sent

RESEND_SECONDS = 3600.0
BENCHMARK, LOCK = Path("reports/benchmark.json"), Path("dvc.lock")
Lines = list[tuple[str, str]]


def status() -> Lines:
    """(heading, text) of what waits and where it goes."""
    if is_off():
        return [("tracking", "switched off by PRETRACE_TRACKING")]
    folder = waiting_room()
    waiting = pending(folder)
    problem = folder / "problem.txt"
    lines = [("goes to", mask_secrets(tracking_uri()))]
    lines += [("waiting", f"{len(waiting)} in {folder}" if waiting else "nothing")]
    if waiting:
        since = int(waiting[0].name.partition("-")[0]) / 1e9
        lines.append(("since", time.strftime("%Y-%m-%d %H:%M", time.localtime(since))))
    if problem.exists():
        lines.append(("last problem", mask_secrets(problem.read_text(encoding="utf-8").strip())))
    lines.append(("sender", "at work, or ready for the next stage" if is_there(folder) else "none at work"))
    if waiting:
        lines.append(("to send them", "pretrace track --resend"))
    return lines


def resend() -> tuple[bool, str]:
    """Send all that waits; whether nothing waits any more, and one line that says how it went."""
    show_restored()
    line = wait_until_sent(RESEND_SECONDS)
    return is_off() or not pending(waiting_room()), line


def show_restored() -> None:
    """Leave a record of the workspace's results where no run has shown them: DVC restored them all."""
    if is_off() or not (LOCK.exists() and BENCHMARK.exists()):
        return
    try:
        leave_restored(load_settings(), sha256_of_file(BENCHMARK), read_json(BENCHMARK))
    except (PretraceError, OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        print(f"pretrace: results of the workspace are not shown in MLflow: {mask_secrets(str(error))}")
