"""Records that a stage leaves for MLflow under `.pretrace/tracking/`, and hashes of its outputs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, Strict

from pretrace.schemas.record import Record

Process = list[int | str]
"""A process: PID, start in ticks since boot, host."""
Point = Annotated[tuple[str, float, int], Strict(False)]
"""A point of a curve: metric, value, step."""
SystemPoint = Annotated[tuple[str, float, int, int], Strict(False)]
"""A measurement of the machine: metric, value, milliseconds since the epoch, number."""


class Experiment(Record):
    """The experiment that a run belongs to."""

    name: str
    """DVC's name, or `workspace-<commit>`."""
    settings: dict[str, Any]
    """The settings that are not the default, by dotted key."""
    key: str
    """Hash of name, commit and settings: the tag `pretrace.experiment` of the parent run."""


class PipelineSnapshot(Record):
    """The pipeline as it was: what fingerprints of cached stages are computed from."""

    texts: dict[str, str]
    """Text of dvc.yaml, dvc.lock, params.yaml and the scale's file."""
    code: dict[str, str]
    """MD5 of each file of code."""
    parts: dict[str, str] = Field(default_factory=dict)
    """DVC's checksum of each part of a result that a stage reads alone."""


class BestModel(Record):
    """A fine-tuned model for the registry: the best column of a task."""

    task: str
    variant: str
    system: str
    """System of the variant."""
    kind: str
    """Kind of the task."""
    metric: str
    score: float
    """In units of the metric."""
    examples: list[list[str]]
    """The parts of the first test rows."""


class RunRecord(Record):
    """One run of a stage, as MLflow shows it."""

    id: str
    """Value of the tag `pretrace.record`."""
    name: str
    """The stage as DVC names it, such as finetune@source-full."""
    status: str
    """MLflow's: RUNNING, FINISHED, FAILED or KILLED."""
    error: str
    """Why it failed; empty if it did not."""
    started_ms: int
    """Start in milliseconds since the epoch."""
    ended_ms: int
    """End, or now, in milliseconds since the epoch."""
    process: Process
    """The process of the stage."""
    dvc: Process | None
    """The DVC that runs the stage; null without one."""
    experiment: Experiment
    tags: dict[str, str]
    """Tags of the run."""
    params: dict[str, Any]
    """Parameters of the run beyond those of its stage in dvc.yaml."""
    metrics: dict[str, float]
    """Metrics of the run; `cost/...` depends on the clock."""
    points: list[Point]
    """Points of its curves."""
    system: list[SystemPoint]
    """Load and memory of the machine while it ran."""
    parent_metrics: dict[str, float]
    """Metrics of the experiment's run."""
    parent_note: str
    """Markdown for the experiment's run."""
    ends_experiment: bool
    """True if the experiment is finished after this stage."""
    models: list[BestModel] = Field(default_factory=list)
    """Models for the registry."""
    pipeline: PipelineSnapshot | None = None
    """Missing while the stage runs."""
    restored: bool = False
    """True if all stages came from DVC's cache, so that none ran."""


class StateFile(Record):
    """The process that works on something: the stage of a run that has started, or the DVC of an open experiment."""

    process: Process | None = None
    """The process of a stage, in the record of a run that has started."""
    dvc: Process | None = None
    """The DVC that works on an experiment; null without one."""


class OutputNote(Record):
    """The files of one output of a stage that was run without DVC."""

    instead_of: str | None
    """DVC's checksum that dvc.lock had for the output at that time; null without one."""
    files: dict[str, str]
    """MD5 of each file by its path in the output; of an output that is a file, by ""."""
