"""Publishing a run to MLflow, from its start to its end. A failure here is one line and never fails the run."""

from __future__ import annotations

import time
from collections.abc import Callable

from pretrace.common.frame import print_error
from pretrace.tracking.config import is_off
from pretrace.tracking.run import Run
from pretrace.tracking.spool.enqueue import enqueue, enqueue_start
from pretrace.tracking.system_metrics import SystemMetricsMonitor

PUBLISH_EVERY_SECONDS = 60.0


def start_publishing(run: Run) -> None:
    """Announce the run to MLflow, and start to monitor the system for it."""
    if not is_off():
        run.monitor = SystemMetricsMonitor().start()
        _never_fail(run, lambda: enqueue_start(run))


def publish_progress(run: Run) -> None:
    """Publish the curves of a long stage so far. Call it often; it acts once a minute."""
    if run.is_rank_zero and time.monotonic() - run.published > PUBLISH_EVERY_SECONDS:
        run.published = time.monotonic()
        publish(run, "RUNNING")


def publish(run: Run, status: str) -> None:
    """Publish the run with a status of MLflow's: RUNNING, FINISHED, FAILED or KILLED."""
    if run.monitor and status != "RUNNING":
        run.monitor.stop()
    _never_fail(run, lambda: enqueue(run, status))


def _never_fail(run: Run, action: Callable[[], None]) -> None:
    """Do it, and report a failure in one line: MLflow only observes."""
    try:
        action()
    except Exception as error:
        print_error(run.name, f"not published to MLflow: {type(error).__name__}: {error}")
