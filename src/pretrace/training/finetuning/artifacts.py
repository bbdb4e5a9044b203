"""The files of a cell: the folder of the best model, and the predictions of all fine-tunings.

    models/finetuned/<task>-<variant>/config.json          the task, the recipe, the model's sizes, the labels' scale
                                      model.safetensors    of the fine-tuning that is best on dev
                                      curve.jsonl          losses of all of them
                                      unlabeled.parquet    predictions for rows without labels, if the task has any
    data/predictions/<task>-<variant>.parquet              a line for each of them and each test row

The folder has all that predictions need, so that the model can be used after the settings have changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_path
from pretrace.common.open_file import SETTINGS_BYTES
from pretrace.model.checkpoints.load import described_model
from pretrace.model.checkpoints.safetensors_file import WeightsFile, load_module
from pretrace.schemas.finetuning import FinetunedConfig, SeedScores
from pretrace.schemas.record import read_record
from pretrace.tasks.rows.dataset import UNLABELED
from pretrace.tasks.rows.encoded import EncodedSplit, read_unlabeled
from pretrace.tasks.rows.kinds import KINDS, TaskKind
from pretrace.tasks.rows.targets import LabelScale
from pretrace.training.engine.device import choose_device
from pretrace.training.finetuning.config import input_format
from pretrace.training.finetuning.job import Job
from pretrace.training.finetuning.predictions import Predictions, predict
from pretrace.training.finetuning.task_head import TaskModel

CONFIG, MODEL = "config.json", "model.safetensors"
UNAVAILABLE = "unavailable.json"
"""In the place of a model, for a task without rows."""
HEAD_CONFIG, HEAD = "head.json", "head.safetensors"
"""In the place of a model, for a head on features, which needs the model whose states it reads."""


def load_finetuned(folder: Path) -> tuple[TaskModel, FinetunedConfig]:
    """Return a fine-tuned model and its `config.json`.

    Raises:
        PretraceError: there is none, or its files are damaged or do not fit each other.
    """
    path = folder / CONFIG
    config = read_record(path, FinetunedConfig, SETTINGS_BYTES)
    _check_kind(config, path)
    recipe = config.recipe
    make_model, layers = described_model(config.model, path, "model")

    def make() -> TaskModel:
        model = make_model()
        form = input_format(recipe, model)
        return TaskModel(model, KINDS[config.kind], recipe.outputs, form, 0, recipe.read_out)

    return load_module(make, layers, WeightsFile(folder / MODEL), path), config


def _check_kind(config: FinetunedConfig, path: Path) -> None:
    """Raise `PretraceError` if a model's task is of an unknown kind, or its labels are not as many as its outputs."""
    if config.kind not in KINDS:
        raise PretraceError(f"{path}: kind: got {config.kind!r}; takes {', '.join(KINDS)}")
    labels = len(config.labels or [])
    if KINDS[config.kind].named and labels != config.recipe.outputs:
        raise PretraceError(f"{path}: has {labels} labels, and recipe.outputs is {config.recipe.outputs}")


def predict_rows(model: TaskModel, config: FinetunedConfig, rows: EncodedSplit) -> Predictions:
    """Return the predictions of a fine-tuned model; of a regression on the scale of the labels."""
    device = choose_device(config.recipe.precision, 1)
    outputs = predict(model.to(device.name), model.examples(rows), device)
    scale = LabelScale(config.label_scale.mean, config.label_scale.spread)
    return Predictions(scale.labels(outputs.values_E), outputs.probabilities_EK)


def write_predictions(path: Path, kind: TaskKind, results: Mapping[Job, SeedScores]) -> None:
    """Write the predictions of each fine-tuning for the test rows.

    The columns are `row` from 0, `pretrain_seed` (null without one), `seed`, `prediction`, `probabilities`.

    Args:
        results: none for a task that could not be made.
    """
    import pyarrow as pa
    from pyarrow import parquet

    number = pa.float64() if kind.numeric else pa.int64()
    columns: dict[str, tuple[pa.DataType, list[Any]]] = {
        "row": (pa.int64(), [row for result in results.values() for row in range(len(result.predictions))]),
        "pretrain_seed": (pa.int64(), [job.pretrain_seed for job, r in results.items() for _ in r.predictions]),
        "seed": (pa.int64(), [job.seed for job, result in results.items() for _ in result.predictions]),
        "prediction": (number, [value for result in results.values() for value in kind.plain(result.predictions)]),
        "probabilities": (
            pa.list_(pa.float64()),
            [
                row
                for r in results.values()
                for row in cast("list[Any]", r.probabilities) or [None] * len(r.predictions)
            ],
        ),
    }
    table = pa.table({name: pa.array(values, kind_of) for name, (kind_of, values) in columns.items()})
    with atomic_path(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd")


def write_unlabeled(folder: Path, task: Path) -> None:
    """Write the predictions of the model in `folder` for unlabeled rows, if the task has any: `id`, `prediction`."""
    unlabeled = read_unlabeled(task)
    if unlabeled is None:
        return
    import pyarrow as pa
    from pyarrow import parquet

    ids, rows = unlabeled
    model, config = load_finetuned(folder)
    predictions = model.kind.plain(predict_rows(model, config, rows).values_E.round(6).tolist())
    parquet.write_table(pa.table({"id": ids, "prediction": predictions}), folder / f"{UNLABELED}.parquet")
