"""Speaks to MLflow: opens it, finds an experiment's parent run, writes one stage's record.

Only a sender that holds the lock in `.pretrace/tracking` comes here. Every step may be repeated: a record that was half
sent is sent again whole, and points that MLflow has already are no new points, because their times are computed and not
read from the clock.
"""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Any

from pretrace.common.errors import mask_secrets
from pretrace.tracking import mlflow_cached_runs, mlflow_inputs, mlflow_models
from pretrace.tracking.lineage import Pipeline
from pretrace.tracking.mlflow_sqlite import alone_with

# Read by MLflow when it is imported. Its defaults let one call to a dead server take four minutes.
LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
POINTS_A_CALL = 1000
PARAMS_A_CALL = 100
LONGEST_PARAM = 500
NOTE = "mlflow.note.content"
ABOUT = (
    "A run for each experiment of DVC, and below it (the plus sign) one for each stage; `(cached)`: DVC had the result "
    "already. To compare experiments: Columns, the scores (`mean/full` is the mean over the tasks), then choose runs."
)


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

        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "pretrace")
        location = artifacts.resolve().as_uri() if uri.startswith("sqlite:") else None
        # The kind decides which of its two faces MLflow's page shows.
        tags = {"mlflow.experimentKind": "custom_model_development", NOTE: ABOUT}
        with alone_with(uri):
            self.uri, self.client = uri, MlflowClient(tracking_uri=uri)
            known = self.client.get_experiment_by_name(name)
            self.experiment = known.experiment_id if known else self.client.create_experiment(name, location, tags)

    def send(self, record: dict[str, Any], folder: Path) -> None:
        """Write one stage's run, and what it has to say about its parent. `folder` has what is to be copied."""
        parent = self.parent(record)
        pipeline, ended = Pipeline(record.get("pipeline", {})), record["ended_ms"]
        if not record.get("restored"):
            run = self._child(record, parent, pipeline)
            if (folder / "artifacts").is_dir():
                self.client.log_artifacts(parent if record["ends_experiment"] else run, str(folder / "artifacts"))
            if record["status"] != "RUNNING":
                self.client.set_terminated(run, record["status"], ended)
        self.write_points(parent, [(key, value, ended, 0) for key, value in record["parent_metrics"].items()])
        if record["parent_note"]:
            self.client.set_tag(parent, NOTE, _note(record))
        if record["ends_experiment"] and record["status"] == "FINISHED":
            mlflow_cached_runs.show_cached(self, record, parent, pipeline)
            mlflow_models.register(self, record, parent, pipeline, folder / "models")
            self.client.set_terminated(parent, "FINISHED", ended)
        elif record["status"] in ("FAILED", "KILLED"):
            self.client.set_terminated(parent, record["status"], ended)
        else:
            self.client.update_run(parent, "RUNNING")

    def end(self, key: str) -> None:
        """End the parent of an experiment that nobody works on any more, if it has not ended in another way."""
        found = self.find("pretrace.experiment", key)
        if found and self.client.get_run(found).info.status == "RUNNING":
            self.client.set_terminated(found, "FINISHED")

    def parent(self, record: dict[str, Any]) -> str:
        """The run id of the experiment's parent: one for each (experiment, commit, settings)."""
        experiment = record["experiment"]
        found = self.find("pretrace.experiment", experiment["key"])
        if found:
            return found
        tags = {key: record["tags"][key] for key in ("dvc.exp_name", "dvc.baseline_rev")}
        tags |= {"pretrace.experiment": experiment["key"], "mlflow.source.name": "dvc"}
        run = self.create(record, experiment["name"], tags)
        self.write_params(run, experiment["settings"])
        return run

    def create(self, record: dict[str, Any], name: str, tags: dict[str, str]) -> str:
        """A new run, with the tags that MLflow's page has columns for."""
        own = {
            "mlflow.user": _user(),
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": record["tags"]["dvc.baseline_rev"],
        }
        run = self.client.create_run(self.experiment, record["started_ms"], {**own, **tags}, run_name=name)
        return run.info.run_id

    def find(self, tag: str, value: str) -> str | None:
        """The id of the newest run with a tag."""
        runs = self.client.search_runs([self.experiment], f"tags.`{tag}` = '{value}'", max_results=1)
        return runs[0].info.run_id if runs else None

    def write_params(self, run: str, params: dict[str, Any]) -> None:
        """Parameters of a run; sent again they may not be others, which MLflow refuses."""
        from mlflow.entities import Param

        rows = [Param(key, str(value)[:LONGEST_PARAM]) for key, value in params.items()]
        for start in range(0, len(rows), PARAMS_A_CALL):
            self.client.log_batch(run, params=rows[start : start + PARAMS_A_CALL])

    def write_points(self, run: str, points: list[Any]) -> None:
        """`points` are (metric, value, milliseconds since the epoch, step)."""
        from mlflow.entities import Metric

        rows = [Metric(*point) for point in points]
        for start in range(0, len(rows), POINTS_A_CALL):
            self.client.log_batch(run, metrics=rows[start : start + POINTS_A_CALL])

    def _child(self, record: dict[str, Any], parent: str, pipeline: Pipeline) -> str:
        """The run id of a stage's run, with all but its files and its end."""
        run = self.find("pretrace.record", record["id"]) or self._create_child(record, parent)
        ended = record["ended_ms"]
        self.write_params(run, pipeline.params(record["name"]) | record["params"])
        self.write_points(run, [(key, value, ended, 0) for key, value in record["metrics"].items()])
        # A computed time makes a point that is sent twice the same point.
        points = [(key, value, record["started_ms"] + step, step) for key, value, step in record["points"]]
        self.write_points(run, points + record["system"])
        mlflow_inputs.log_inputs(self, run, record, pipeline)
        if record["status"] == "FINISHED" and (made := pipeline.fingerprint(record["name"])):
            self.client.set_tag(run, mlflow_cached_runs.MADE, made)
        if record["error"]:
            self.client.set_tag(run, NOTE, f"**{record['status']}**: {mask_secrets(record['error'])}")
        return run

    def _create_child(self, record: dict[str, Any], parent: str) -> str:
        script = f"stages/{record['name'].partition('@')[0]}.py"
        own = {"pretrace.record": record["id"], "mlflow.parentRunId": parent, "mlflow.source.name": script}
        return self.create(record, record["name"], {**record["tags"], **own})


def _note(record: dict[str, Any]) -> str:
    """What a person reads first on an experiment's page: where it is in DVC, and the table."""
    name, commit = record["tags"]["dvc.exp_name"], record["tags"]["dvc.baseline_rev"]
    of_dvc = "" if name.startswith("workspace-") else f" `dvc exp apply {name}` takes it into the workspace."
    return f"Experiment **{name}** of DVC, from commit `{commit[:12]}`.{of_dvc}\n\n{record['parent_note']}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return ""
