"""Stages that did not run, as DVC had their results already: a run that says which one made them.

They are shown when the report ends an experiment. The run that made a result is known by its fingerprint (see
`lineage`), which every run of a stage has as the tag `pretrace.made`.
"""

from __future__ import annotations

from typing import Any

from pretrace.common.files import sha256_of_json
from pretrace.tracking.lineage import Pipeline
from pretrace.tracking.mlflow_inputs import log_inputs

MADE, FROM = "pretrace.made", "pretrace.cached_from"
UNKNOWN = "unknown"
LEFT_OUT = ("cost/", "system/")
"""Of the metrics of the run that made a result: this experiment did not pay for it."""


def show_cached(tracker: Any, record: dict[str, Any], parent: str, pipeline: Pipeline) -> None:
    """For each stage in dvc.lock that made no run below this parent: a run with what it was cached from."""
    below = f"tags.`mlflow.parentRunId` = '{parent}'"
    known = tracker.client.search_runs([tracker.experiment], below, max_results=1000)
    there = {run.data.tags.get(MADE) or run.data.tags.get("pretrace.record") for run in known}
    own = "" if record.get("restored") else record["name"]
    began = tracker.client.get_run(parent).info.start_time
    for number, stage in enumerate(pipeline.stages):
        made = pipeline.fingerprint(stage)
        name = sha256_of_json([parent, stage, made])[:32]
        if stage in pipeline.locked and stage != own and not there & {made, name}:
            # As early as the experiment: in MLflow's lists, newest first, those that ran stand above.
            own_record = {**record, "id": name, "name": stage, "started_ms": began + number}
            _show(tracker, own_record, parent, pipeline)


def run_that_made(tracker: Any, made: str) -> Any:
    """The newest run that made a result; None if it was made elsewhere."""
    run = tracker.find(MADE, made) if made else None
    return tracker.client.get_run(run) if run else None


def _show(tracker: Any, record: dict[str, Any], parent: str, pipeline: Pipeline) -> None:
    origin = run_that_made(tracker, pipeline.fingerprint(record["name"]))
    stage, ended = record["name"], record["started_ms"]
    tags = {key: record["tags"][key] for key in ("dvc.exp_name", "dvc.baseline_rev")}
    tags |= {"dvc.stage": stage, "pretrace.record": record["id"], "mlflow.parentRunId": parent}
    tags |= {"pretrace.cached": "true", FROM: origin.info.run_id if origin else UNKNOWN}
    tags |= {"mlflow.note.content": _note(tracker, origin), "mlflow.source.name": "DVC's cache"}
    if origin:
        tags["pretrace.cached_from_experiment"] = origin.data.tags.get("dvc.exp_name", UNKNOWN)
    run = tracker.create(record, f"{stage} (cached)", tags)
    if origin:
        tracker.write_params(run, origin.data.params)
        kept = {key: value for key, value in origin.data.metrics.items() if not key.startswith(LEFT_OUT)}
        tracker.write_points(run, [(key, value, ended, 0) for key, value in kept.items()])
    log_inputs(tracker, run, record, pipeline)
    tracker.client.set_terminated(run, "FINISHED", ended)


def _note(tracker: Any, origin: Any) -> str:
    before = "This stage did not run in this experiment: DVC had its result already, "
    if origin is None:
        return before + "from a run that this MLflow does not know (another machine, or without tracking)."
    link = f"#/experiments/{tracker.experiment}/runs/{origin.info.run_id}"
    named = f"{origin.info.run_name} of {origin.data.tags.get('dvc.exp_name', UNKNOWN)}"
    return f"{before}made by [{named}]({link}). Parameters and metrics are those of that run."
