"""MLflow watches and never decides: a stage leaves a record, a process in the background sends it.

    python -m pretrace.tracking send      # send what waits, quietly: started by every stage
    python -m pretrace.tracking wait      # the same, and say how it went: `make repro` ends with it
    pretrace track                        # how many wait, and where they go; --resend sends them

Importing MLflow and opening its database costs 2.5 s of processor time, in each of some twenty stages. So a stage only
writes what MLflow should know to `.pretrace/tracking/<id>/` and starts a low-priority process of its own session; the
next stage runs meanwhile. One sender works at a time, under a lock, and takes all that waits. What cannot be sent (a
server is down) stays there for the next sender: the files are the truth.

Where: MLFLOW_TRACKING_URI, else SQLite in `.pretrace/`. `PRETRACE_TRACKING=off` switches all of it off.
"""

from __future__ import annotations

from pretrace.tracking.best_models import best_models, experiment_metrics
from pretrace.tracking.config import is_off, tracking_uri
from pretrace.tracking.curves import read_rows
from pretrace.tracking.describe_run import record_id
from pretrace.tracking.record import announce, hand_over
from pretrace.tracking.system_metrics import SystemWatch
from pretrace.tracking.uploader import send_pending, wait_until_sent

__all__ = [
    "SystemWatch",
    "announce",
    "best_models",
    "experiment_metrics",
    "hand_over",
    "is_off",
    "read_rows",
    "record_id",
    "send_pending",
    "tracking_uri",
    "wait_until_sent",
]
