"""Tracking in MLflow, which only observes: a stage queues a record, and a background process uploads it.

    python -m pretrace.tracking upload    # upload what is queued, quietly: started by every stage
    python -m pretrace.tracking wait      # the same, and print the outcome: the last step of `make repro`
    pretrace track                        # how many records are queued, and for which server; --resend uploads them

Importing MLflow and opening its database takes 2.5 s of CPU time, in each of some twenty stages. So a stage only writes
its record to the queue, `.pretrace/tracking/<id>/`, and starts a low-priority uploader in a session of its own, which
works while the next stage runs. A lock lets one uploader work at a time, and it takes everything in the queue. A record
that cannot be uploaded (a server is down) stays there for the next uploader: the files are the truth.

`MLFLOW_TRACKING_URI` names the server; without it, runs go to SQLite in `.pretrace/`. `PRETRACE_TRACKING=off` switches
tracking off.
"""

from __future__ import annotations

from pretrace.tracking.best_models import best_models, experiment_metrics
from pretrace.tracking.config import is_off, tracking_uri
from pretrace.tracking.curves import read_rows
from pretrace.tracking.spool.describe_run import record_id
from pretrace.tracking.spool.enqueue import enqueue, enqueue_start
from pretrace.tracking.spool.uploader import upload_queued, wait_until_uploaded
from pretrace.tracking.system_metrics import SystemMetricsMonitor

__all__ = [
    "SystemMetricsMonitor",
    "best_models",
    "enqueue",
    "enqueue_start",
    "experiment_metrics",
    "is_off",
    "read_rows",
    "record_id",
    "tracking_uri",
    "upload_queued",
    "wait_until_uploaded",
]
