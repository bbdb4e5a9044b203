"""`pretrace track`: how many runs are queued for MLflow, and `--resend`, which uploads them.

If DVC has every result already, no stage runs and nothing is queued. `--resend` and the end of `make repro` detect that
and queue the results of the workspace as an experiment whose stages were all cached.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.common.files import sha256_of_file
from pretrace.common.mask import mask_secrets
from pretrace.schemas.benchmark import Benchmark
from pretrace.schemas.record import read_record
from pretrace.settings import load_settings
from pretrace.tracking.config import is_off, queued_records, spool_folder, tracking_uri
from pretrace.tracking.spool.enqueue import enqueue_restored
from pretrace.tracking.spool.state import LAST_ERROR
from pretrace.tracking.spool.uploader import is_uploader_running, wait_until_uploaded

RESEND_SECONDS = 3600.0
BENCHMARK, LOCK = Path("reports/benchmark.json"), Path("dvc.lock")
Lines = list[tuple[str, str]]


def status() -> Lines:
    """Return (heading, text) about the queue and its destination."""
    if is_off():
        return [("tracking", "switched off by PRETRACE_TRACKING")]
    folder = spool_folder()
    queued = queued_records(folder)
    last_error = folder / LAST_ERROR
    lines = [("server", mask_secrets(tracking_uri()))]
    lines += [("queued", f"{len(queued)} in {folder}" if queued else "nothing")]
    if queued:
        since = int(queued[0].name.partition("-")[0]) / 1e9
        lines.append(("since", time.strftime("%Y-%m-%d %H:%M", time.localtime(since))))
    if last_error.exists():
        lines.append(("last error", mask_secrets(last_error.read_text(encoding="utf-8").strip())))
    lines.append(("uploader", "running" if is_uploader_running(folder) else "not running"))
    if queued:
        lines.append(("to upload", "pretrace track --resend"))
    return lines


def resend() -> tuple[bool, str]:
    """Upload everything in the queue; return whether it is empty now, and the outcome in one line."""
    publish_restored()
    line = wait_until_uploaded(RESEND_SECONDS)
    return is_off() or not queued_records(spool_folder()), line


def publish_restored() -> None:
    """Queue the workspace's results if no run has published them, since DVC restored them all."""
    if is_off() or not (LOCK.exists() and BENCHMARK.exists()):
        return
    try:
        enqueue_restored(load_settings(), sha256_of_file(BENCHMARK), read_record(BENCHMARK, Benchmark))
    except (PretraceError, OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        print(f"pretrace: results of the workspace are not published to MLflow: {mask_secrets(str(error))}")
