"""The client of MLflow: opens it, finds an experiment's parent run, and uploads the record of a stage.

Only an uploader that holds the lock in `.pretrace/tracking` uses it. Every step can be repeated: a record that was half
uploaded is uploaded again from the start, and points that MLflow has already are not duplicated, since their times are
computed and not read from the clock.
"""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Any

from pretrace.common.mask import mask_secrets
from pretrace.schemas.tracking import PipelineSnapshot, RunRecord
from pretrace.tracking.lineage import Pipeline
from pretrace.tracking.mlflow_client import cached_runs, registry
from pretrace.tracking.mlflow_client.inputs import log_inputs
from pretrace.tracking.mlflow_client.sqlite import database_lock

# Read by MLflow when it is imported. Its defaults let one call to a dead server take four minutes.
LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
POINTS_PER_CALL = 1000
PARAMS_PER_CALL = 100
MAX_PARAM_LENGTH = 500
NOTE = "mlflow.note.content"
ABOUT = (
    "One run for each DVC experiment, and below it (click the plus sign) one for each stage; `(cached)`: DVC had the "
    "result already. To compare experiments: choose the scores under Columns (`mean/full` is the mean over the tasks), "
    "then select runs."
)


class Tracker:
    """An open MLflow client, with the experiment that holds all runs."""

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
        # Decides which of its two views MLflow's page shows.
        tags = {"mlflow.experimentKind": "custom_model_development", NOTE: ABOUT}
        with database_lock(uri):
            self.uri, self.client = uri, MlflowClient(tracking_uri=uri)
            existing = self.client.get_experiment_by_name(name)
            self.experiment = (
                existing.experiment_id if existing else self.client.create_experiment(name, location, tags)
            )

    def upload(self, record: RunRecord, folder: Path) -> None:
        """Upload the run of a stage with its share of the parent run. `folder` holds artifacts and models to upload."""
        parent = self.parent_run(record)
        pipeline, ended = Pipeline(record.pipeline or PipelineSnapshot(texts={}, code={})), record.ended_ms
        if not record.restored:
            run = self._stage_run(record, parent, pipeline)
            if (folder / "artifacts").is_dir():
                self.client.log_artifacts(parent if record.ends_experiment else run, str(folder / "artifacts"))
            if record.status != "RUNNING":
                self.client.set_terminated(run, record.status, ended)
        self.write_points(parent, [(key, value, ended, 0) for key, value in record.parent_metrics.items()])
        if record.parent_note:
            self.client.set_tag(parent, NOTE, _note(record))
        if record.ends_experiment and record.status == "FINISHED":
            cached_runs.create_cached_runs(self, record, parent, pipeline)
            registry.register(self, record, parent, pipeline, folder / "models")
            self.client.set_terminated(parent, "FINISHED", ended)
        elif record.status in ("FAILED", "KILLED"):
            self.client.set_terminated(parent, record.status, ended)
        else:
            self.client.update_run(parent, "RUNNING")

    def end_experiment(self, key: str) -> None:
        """End the parent run of an abandoned experiment, unless it has ended already."""
        parent = self.find_run("pretrace.experiment", key)
        if parent and self.client.get_run(parent).info.status == "RUNNING":
            self.client.set_terminated(parent, "FINISHED")

    def parent_run(self, record: RunRecord) -> str:
        """Return the id of the experiment's parent run, created if new: one for each (experiment, commit, settings)."""
        experiment = record.experiment
        if existing := self.find_run("pretrace.experiment", experiment.key):
            return existing
        tags = {key: record.tags[key] for key in ("dvc.exp_name", "dvc.baseline_rev")}
        tags |= {"pretrace.experiment": experiment.key, "mlflow.source.name": "dvc"}
        run = self.create_run(record, experiment.name, tags)
        self.write_params(run, experiment.settings)
        return run

    def create_run(self, record: RunRecord, name: str, tags: dict[str, str]) -> str:
        """Create a run, with the tags that MLflow's page has columns for; return its id."""
        own = {
            "mlflow.user": _user(),
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": record.tags["dvc.baseline_rev"],
        }
        run = self.client.create_run(self.experiment, record.started_ms, {**own, **tags}, run_name=name)
        return run.info.run_id

    def find_run(self, tag: str, value: str) -> str | None:
        """Return the id of the newest run with a tag, or None."""
        runs = self.client.search_runs([self.experiment], f"tags.`{tag}` = '{value}'", max_results=1)
        return runs[0].info.run_id if runs else None

    def write_params(self, run: str, params: dict[str, Any]) -> None:
        """Write the parameters of a run. MLflow refuses to change them later."""
        from mlflow.entities import Param

        rows = [Param(key, str(value)[:MAX_PARAM_LENGTH]) for key, value in params.items()]
        for start in range(0, len(rows), PARAMS_PER_CALL):
            self.client.log_batch(run, params=rows[start : start + PARAMS_PER_CALL])

    def write_points(self, run: str, points: list[Any]) -> None:
        """Write points of a run: (metric, value, milliseconds since the epoch, step)."""
        from mlflow.entities import Metric

        rows = [Metric(*point) for point in points]
        for start in range(0, len(rows), POINTS_PER_CALL):
            self.client.log_batch(run, metrics=rows[start : start + POINTS_PER_CALL])

    def _stage_run(self, record: RunRecord, parent: str, pipeline: Pipeline) -> str:
        """Return the id of a stage's run, with all uploaded but its artifacts and final status."""
        run = self.find_run("pretrace.record", record.id) or self._create_stage_run(record, parent)
        ended = record.ended_ms
        self.write_params(run, pipeline.params(record.name) | record.params)
        self.write_points(run, [(key, value, ended, 0) for key, value in record.metrics.items()])
        # With a computed time, a point that is uploaded twice is the same point.
        points = [(key, value, record.started_ms + step, step) for key, value, step in record.points]
        self.write_points(run, [*points, *record.system])
        log_inputs(self, run, record, pipeline)
        if record.status == "FINISHED" and (made := pipeline.fingerprint(record.name)):
            self.client.set_tag(run, cached_runs.MADE, made)
        if record.error:
            self.client.set_tag(run, NOTE, f"**{record.status}**: {mask_secrets(record.error)}")
        return run

    def _create_stage_run(self, record: RunRecord, parent: str) -> str:
        script = f"stages/{record.name.partition('@')[0]}.py"
        own = {"pretrace.record": record.id, "mlflow.parentRunId": parent, "mlflow.source.name": script}
        return self.create_run(record, record.name, {**record.tags, **own})


def _note(record: RunRecord) -> str:
    """Return the description of a parent run: the experiment in DVC, and the table."""
    name, commit = record.tags["dvc.exp_name"], record.tags["dvc.baseline_rev"]
    apply = "" if name.startswith("workspace-") else f" `dvc exp apply {name}` takes it into the workspace."
    return f"Experiment **{name}** of DVC, from commit `{commit[:12]}`.{apply}\n\n{record.parent_note}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return ""
