"""Registers the models of a record in MLflow: `pretrace-<task>`, with a version for each result that was the best.

Aliases: a column's name ("full") is its newest version; `champion` is the version with the highest score on the same
test rows, or, on new rows, the first version. A result that is registered already gets no second version.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pretrace.schemas.finetuning import FinetunedConfig
from pretrace.schemas.record import read_record
from pretrace.schemas.tracking import BestModel, RunRecord
from pretrace.settings.kinds import KIND_FACTS
from pretrace.tracking.best_models import CODE
from pretrace.tracking.lineage import Pipeline
from pretrace.tracking.mlflow_client.cached_runs import MADE, producing_run

CHAMPION = "champion"
SCORE, ROWS = "score", "test_rows_md5"
IMPORTED = ("torch", "numpy", "safetensors", "sentencepiece", "pydantic", "ruamel.yaml", "ftfy", "spacy", "tqdm")
"""Packages that the code of a model imports besides mlflow and pandas; pinned to the installed versions."""


def register(tracker: Any, record: RunRecord, parent: str, pipeline: Pipeline, folder: Path) -> None:
    """Register each model of a record, unless the registry has it, and update the aliases."""
    for model in record.models:
        stage = f"finetune@{model.task}-{model.variant}"
        made, rows = pipeline.fingerprint(stage), pipeline.md5(f"data/tasks/{model.task}")
        name = f"pretrace-{model.task}"
        versions = _versions(tracker.client, name)
        own = next((version for version in versions if version.tags.get(MADE) == made), None)
        if own is None:
            producer = producing_run(tracker, made)
            run = producer.info.run_id if producer else parent
            tags = {MADE: made, ROWS: rows, SCORE: str(model.score), "metric": model.metric}
            tags |= {"variant": model.variant, "commit": record.tags["dvc.baseline_rev"]}
            tags |= {"dvc.exp_name": record.tags["dvc.exp_name"]}
            with _default_uri(tracker.uri):
                own = _create(tracker, name, model, folder, run, tags)
        _link_to_run(tracker.client, parent, own)
        _set_aliases(tracker.client, name, own, model.variant)


def _link_to_run(client: Any, parent: str, version: Any) -> None:
    """Link the model to the experiment's parent run, too."""
    from mlflow.entities import LoggedModelOutput

    model_id = version.source.rpartition("/")[2]  # "models:/m-1234"
    outputs = client.get_run(parent).outputs
    if model_id not in [one.model_id for one in (outputs.model_outputs if outputs else [])]:
        client.log_outputs(parent, [LoggedModelOutput(model_id, step=0)])


def _versions(client: Any, name: str) -> list[Any]:
    """Return the versions of a registered model, which is created if it is new."""
    try:
        client.get_registered_model(name)
    except Exception as error:
        if getattr(error, "error_code", "") != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(name, description=f"Fine-tuned models of the task {name[len('pretrace-') :]}.")
        return []
    return list(client.search_model_versions(f"name = '{name}'"))


def _set_aliases(client: Any, name: str, own: Any, variant: str) -> None:
    client.set_registered_model_alias(name, variant, own.version)
    champion = client.get_registered_model(name).aliases.get(CHAMPION)
    best: Any = client.get_model_version(name, champion) if champion else None
    same_rows = best is not None and best.tags.get(ROWS) == own.tags.get(ROWS)
    if not same_rows or float(own.tags[SCORE]) > float(best.tags[SCORE]):
        client.set_registered_model_alias(name, CHAMPION, own.version)


def _create(tracker: Any, name: str, model: BestModel, folder: Path, run: str, tags: dict[str, str]) -> Any:
    """Log the model with the run that trained it, and register it as a version."""
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    client, cell = tracker.client, f"{model.task}-{model.variant}"
    logged = client.create_logged_model(tracker.experiment, cell, source_run_id=run, tags=tags, model_type=model.kind)
    with tempfile.TemporaryDirectory() as temporary:
        _write(Path(temporary), folder, cell, model, run, logged.model_id)
        client.log_model_artifacts(logged.model_id, str(Path(temporary) / "model"))
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    client.log_outputs(run, [LoggedModelOutput(logged.model_id, step=0)])
    return client.create_model_version(
        name,
        f"models:/{logged.model_id}",
        run_id=run,
        tags=tags,
        description=_description(model),
        model_id=logged.model_id,
    )


@contextmanager
def _default_uri(uri: str) -> Iterator[None]:
    """Set MLflow's default URI, which saving a model asks; else it would create a database in the current folder."""
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


def _write(out: Path, folder: Path, cell: str, model: BestModel, run: str, model_id: str) -> None:
    """Write the folder `model` in MLflow's format."""
    from mlflow.models import Model
    from mlflow.pyfunc import save_model

    with tarfile.open(folder / CODE) as archive:
        archive.extractall(out / "code", filter="data")
    signature, example = _signature(model, read_record(folder / cell / "config.json", FinetunedConfig))
    save_model(
        out / "model",
        python_model=str(out / "code/pretrace/inference/mlflow_model.py"),
        artifacts={"finetuned": str(folder / cell), "vocabulary": str(folder / "vocabulary" / model.system)},
        code_paths=[str(out / "code/pretrace")],
        signature=signature,
        input_example=example,
        pip_requirements=_requirements(),
        mlflow_model=Model(run_id=run, model_id=model_id, model_uuid=model_id),
    )


def _signature(model: BestModel, config: FinetunedConfig) -> tuple[Any, Any]:
    """Return the model's signature and example inputs: the first test rows, with the task's own columns."""
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Array

    facts = KIND_FACTS[config.kind]
    fields = facts.fields(config.columns)
    rows = [fields.as_row(parts) for parts in model.examples]
    columns = [
        ColSpec(Array(DataType.string) if isinstance(value, list) else DataType.string, name)
        for name, value in rows[0].items()
    ]
    output = DataType.double if facts.numeric else DataType.string if config.labels else DataType.long
    return ModelSignature(Schema(columns), Schema([ColSpec(output)])), pd.DataFrame(rows)


def _requirements() -> list[str]:
    from importlib.metadata import version

    return [f"{name}=={version(name).partition('+')[0]}" for name in ("mlflow", "pandas", *IMPORTED)]


def _description(model: BestModel) -> str:
    return f"Column {model.variant} of the task {model.task}: {model.metric} {100 * model.score:.1f}."
