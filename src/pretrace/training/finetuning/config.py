"""The settings of one fine-tuning, resolved once from the scale, the run, the task and the variant."""

from __future__ import annotations

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.finetuning import FinetuneRecipe
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import ModelSettings, Settings
from pretrace.tasks.rows.encoded import EncodedSplit
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import KINDS

PREDICTS_NOTHING = {"lm_weight": 0.0, "read_out": "classify"}
"""Settings that a model takes which sees all tokens at once."""


def resolve_recipe(settings: Settings, variant_name: str, task_name: str, task: TaskRecord) -> FinetuneRecipe:
    """Return the settings of a variant on a task; the more particular value wins.

    The learning rate is the variant's own, else the task's, else the top-level `lr`, else that of the scale, the last
    three times the variant's factor; all else likewise.

    Args:
        task: contents of `task.json`, with the settings of the task's own entry in `overrides`.

    Raises:
        PretraceError: a loss or a read-out needs a model of next tokens, or the input format special tokens, and there
            are none.
    """
    scale, variant, overrides = settings.scale.finetune, settings.variants[variant_name], task.overrides
    values = scale.model_dump(exclude_unset=True) | {"lr": settings.finetune_lr}
    values |= {key: value for key, value in overrides.items() if key in values}
    values["lr"] *= variant.lr_factor or 1.0
    epochs = variant.epochs.get(task_name) if isinstance(variant.epochs, dict) else variant.epochs
    own = variant.model_dump(include={"lr", "lm_weight", "read_out"}) | {"epochs": epochs}
    values |= {key: value for key, value in own.items() if value is not None}
    outputs = KINDS[task.kind].outputs(task.labels, overrides)
    values |= {"train_share": variant.train_share or 1.0, "head_strength": variant.head_strength}
    sizes = settings.scale.sizes
    if isinstance(sizes, ModelSettings) and sizes.attention == "full":
        for key, accepted in PREDICTS_NOTHING.items():
            if values[key] != accepted:
                raise PretraceError(
                    f"fine-tuning of {task_name}: {key}: got {values[key]!r}; a model with `full` attention predicts "
                    f"no next token, so it takes {accepted!r}"
                )
    if values.get("input_format") == "segments":
        if task.first_id is None or task.separator_id is None:
            raise PretraceError(
                f"scales/{settings.scale_name}.yaml: finetune.input_format: `segments` takes a token that begins a "
                "text and one that ends it ([CLS], [SEP]), and the vocabulary has none; take `delimiters`"
            )
        values |= {"first_id": task.first_id, "separator_id": task.separator_id}
    return FinetuneRecipe(**values, kind=task.kind, metric=task.metric, outputs=outputs)


def input_format(recipe: FinetuneRecipe, model: LanguageModel) -> InputFormat:
    """Return the special tokens of an example for a model whose table has no rows for them yet."""
    if recipe.input_format == "delimiters":
        return InputFormat.delimiters(model.vocabulary_size, model.context)
    assert recipe.first_id is not None and recipe.separator_id is not None
    return InputFormat.segments(recipe.first_id, recipe.separator_id, model.context, reads_first=not model.is_causal)


def training_rows(rows: EncodedSplit, recipe: FinetuneRecipe) -> EncodedSplit:
    """Return the rows that a recipe trains on: all, or a share drawn at random, a smaller one out of a larger."""
    if recipe.train_share == 1.0:
        return rows
    order = np.random.Generator(np.random.Philox(key=0)).permutation(len(rows))
    return rows.take(np.sort(order[: max(1, round(recipe.train_share * len(rows)))]))
