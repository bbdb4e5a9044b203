"""The only file that speaks to MLflow: opens it, finds an experiment's parent run, writes one stage's record.

Only a sender that holds the lock in `.pretrace/tracking` comes here: two first users at once break a SQLite database
of MLflow 3 for good (mlflow#19943). Every step may be repeated: a record that was half sent is sent again whole, and
points that MLflow has already are no new points, because their times are computed and not read from the clock.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

# Read by MLflow when it is imported. Its defaults let one call to a dead server take four minutes.
LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}
POINTS_A_CALL = 1000
PARAMS_A_CALL = 100
LONGEST_PARAM = 500


class Tracker:
    """An open MLflow with the experiment that our runs are in."""

    def __init__(self, uri: str, artifacts: Path):
        """Open `uri` and create the experiment if it is new.

        An experiment's artifact location cannot be changed later, so it is made absolute: `artifacts` for a local
        database, the server's own choice for a server.
        """
        for name, value in LIMITS.items():
            os.environ.setdefault(name, value)
        from mlflow.tracking import MlflowClient

        self.client = MlflowClient(tracking_uri=uri)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "pretrace")
        known = self.client.get_experiment_by_name(name)
        location = artifacts.resolve().as_uri() if uri.startswith("sqlite:") else None
        # The kind decides which of its two faces MLflow's page shows.
        tags = {"mlflow.experimentKind": "custom_model_development"}
        self.experiment = known.experiment_id if known else self.client.create_experiment(name, location, tags)

    def send(self, record: dict[str, Any], artifacts: Path) -> None:
        """Write one stage's run, and what it has to say about its parent."""
        parent = self._parent(record)
        run = self._child(record, parent)
        ended = record["ended_ms"]
        self._write_params(run, record["params"])
        self._write_points(run, [(key, value, ended, 0) for key, value in record["metrics"].items()])
        # A computed time makes a point that is sent twice the same point.
        points = [(key, value, record["started_ms"] + step, step) for key, value, step in record["points"]]
        self._write_points(run, points)
        self._write_points(parent, [(key, value, ended, 0) for key, value in record["parent_metrics"].items()])
        if artifacts.is_dir():
            self.client.log_artifacts(parent if record["ends_experiment"] else run, str(artifacts))
        if record["status"] != "RUNNING":
            self.client.set_terminated(run, record["status"], ended)
        if record["ends_experiment"] and record["status"] == "FINISHED":
            self.client.set_terminated(parent, "FINISHED", ended)
        elif record["status"] in ("FAILED", "KILLED"):
            self.client.set_terminated(parent, record["status"], ended)
        else:
            self.client.update_run(parent, "RUNNING")

    def _parent(self, record: dict[str, Any]) -> str:
        """The run id of the experiment's parent: one for each (experiment, commit, settings)."""
        experiment = record["experiment"]
        found = self._find("pretrace.experiment", experiment["key"])
        if found:
            return found
        tags = {key: record["tags"][key] for key in ("dvc.exp_name", "dvc.baseline_rev")}
        run = self._create(record, experiment["name"], {**tags, "pretrace.experiment": experiment["key"]})
        self._write_params(run, experiment["settings"])
        return run

    def _child(self, record: dict[str, Any], parent: str) -> str:
        """The run id of a stage's run; the record's id finds the run of an earlier record again."""
        tags = {**record["tags"], "pretrace.record": record["id"], "mlflow.parentRunId": parent}
        return self._find("pretrace.record", record["id"]) or self._create(record, record["name"], tags)

    def _create(self, record: dict[str, Any], name: str, tags: dict[str, str]) -> str:
        run = self.client.create_run(self.experiment, start_time=record["started_ms"], tags=tags, run_name=name)
        return run.info.run_id

    def _find(self, tag: str, value: str) -> str | None:
        runs = self.client.search_runs([self.experiment], f"tags.`{tag}` = '{value}'", max_results=1)
        return runs[0].info.run_id if runs else None

    def _write_params(self, run: str, params: dict[str, Any]) -> None:
        from mlflow.entities import Param

        rows = [Param(key, str(value)[:LONGEST_PARAM]) for key, value in params.items()]
        for start in range(0, len(rows), PARAMS_A_CALL):
            self.client.log_batch(run, params=rows[start : start + PARAMS_A_CALL])

    def _write_points(self, run: str, points: list[tuple[str, float, int, int]]) -> None:
        """`points` are (metric, value, milliseconds since the epoch, step)."""
        from mlflow.entities import Metric

        rows = [Metric(*point) for point in points]
        for start in range(0, len(rows), POINTS_A_CALL):
            self.client.log_batch(run, metrics=rows[start : start + POINTS_A_CALL])
