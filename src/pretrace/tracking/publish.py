"""Showing a run in MLflow, from its start to its end. Whatever goes wrong here is one line and never fails the run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from pretrace.common.errors import mask_secrets
from pretrace.tracking.config import is_off
from pretrace.tracking.record import announce, hand_over
from pretrace.tracking.run import Run
from pretrace.tracking.system_metrics import SystemWatch

PUBLISH_EVERY_SECONDS = 60.0


def publish(run: Run) -> None:
    """Show in MLflow how far a long stage is: its curves up to now. Call it often; it acts once a minute."""
    if run.is_rank_zero and time.time() - run.published > PUBLISH_EVERY_SECONDS:
        run.published = time.time()
        show(run, "RUNNING")


def begin_to_show(run: Run) -> None:
    """Begin to show the run in MLflow, and to look at the machine for it."""
    if not is_off():
        run.watch = SystemWatch().start()
        _quietly(run, lambda: announce(run))


def show(run: Run, status: str) -> None:
    """Hand the run to MLflow; `status` is MLflow's."""
    if run.watch and status != "RUNNING":
        run.watch.stop()
    _quietly(run, lambda: hand_over(run, status))


def _quietly(run: Run, action: Callable[[], None]) -> None:
    """MLflow watches and never decides: whatever goes wrong there is one line, no failure."""
    try:
        action()
    except Exception as error:
        say(run.name, mask_secrets(f"not shown in MLflow: {type(error).__name__}: {error}"))


def say(stage: str, text: str) -> str:
    """A line for a person, on standard error; returns it."""
    line = " ".join(text.split())
    print(f"pretrace: {stage}: {line}", file=sys.stderr, flush=True)
    return line
