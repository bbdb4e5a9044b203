"""Runs for stages that DVC took from its cache: each names the run that produced the result.

They are created when the report ends an experiment. The run that produced a result is found by its fingerprint (see
`lineage`), which every run of a stage has as the tag `pretrace.made`.
"""

from __future__ import annotations

from typing import Any

from pretrace.common.files import sha256_of_json
from pretrace.schemas.tracking import RunRecord
from pretrace.tracking.lineage import Pipeline
from pretrace.tracking.mlflow_client.inputs import log_inputs

MADE, FROM = "pretrace.made", "pretrace.cached_from"
UNKNOWN = "unknown"
OMITTED = ("cost/", "system/")
"""Metrics of the producing run that are not copied: this experiment did not pay for them."""


def create_cached_runs(tracker: Any, record: RunRecord, parent: str, pipeline: Pipeline) -> None:
    """Create a run for each stage in dvc.lock that has none below this parent, with the run it was cached from."""
    below = f"tags.`mlflow.parentRunId` = '{parent}'"
    known = tracker.client.search_runs([tracker.experiment], below, max_results=1000)
    existing = {run.data.tags.get(MADE) or run.data.tags.get("pretrace.record") for run in known}
    own = "" if record.restored else record.name
    started = tracker.client.get_run(parent).info.start_time
    for number, stage in enumerate(pipeline.stages):
        made = pipeline.fingerprint(stage)
        name = sha256_of_json([parent, stage, made])[:32]
        if stage in pipeline.locked and stage != own and not existing & {made, name}:
            # Started with the experiment: MLflow lists the newest first, so the stages that ran come above.
            own_record = record.model_copy(update={"id": name, "name": stage, "started_ms": started + number})
            _create(tracker, own_record, parent, pipeline)


def producing_run(tracker: Any, made: str) -> Any:
    """Return the newest run that produced a result; None if it was produced elsewhere."""
    run = tracker.find_run(MADE, made) if made else None
    return tracker.client.get_run(run) if run else None


def _create(tracker: Any, record: RunRecord, parent: str, pipeline: Pipeline) -> None:
    source = producing_run(tracker, pipeline.fingerprint(record.name))
    stage, ended = record.name, record.started_ms
    tags = {key: record.tags[key] for key in ("dvc.exp_name", "dvc.baseline_rev")}
    tags |= {"dvc.stage": stage, "pretrace.record": record.id, "mlflow.parentRunId": parent}
    tags |= {"pretrace.cached": "true", FROM: source.info.run_id if source else UNKNOWN}
    tags |= {"mlflow.note.content": _note(tracker, source), "mlflow.source.name": "DVC's cache"}
    if source:
        tags["pretrace.cached_from_experiment"] = source.data.tags.get("dvc.exp_name", UNKNOWN)
    run = tracker.create_run(record, f"{stage} (cached)", tags)
    if source:
        tracker.write_params(run, source.data.params)
        metrics = {key: value for key, value in source.data.metrics.items() if not key.startswith(OMITTED)}
        tracker.write_points(run, [(key, value, ended, 0) for key, value in metrics.items()])
    log_inputs(tracker, run, record, pipeline)
    tracker.client.set_terminated(run, "FINISHED", ended)


def _note(tracker: Any, source: Any) -> str:
    cached = "This stage did not run in this experiment: DVC had its result already, "
    if source is None:
        return cached + "from a run that this MLflow does not know (another machine, or without tracking)."
    link = f"#/experiments/{tracker.experiment}/runs/{source.info.run_id}"
    name = f"{source.info.run_name} of {source.data.tags.get('dvc.exp_name', UNKNOWN)}"
    return f"{cached}made by [{name}]({link}). Parameters and metrics are those of that run."
