"""The settings of one fine-tuning, resolved once from the scale, the run, the task and the variant."""

from __future__ import annotations

import numpy as np

from pretrace.schemas.finetuning import FinetuneRecipe
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import Settings
from pretrace.tasks.dataset import EncodedSplit
from pretrace.tasks.kinds import KINDS


def resolve_recipe(settings: Settings, variant_name: str, task_name: str, task: TaskRecord) -> FinetuneRecipe:
    """Return the settings of a variant on a task; the more particular value wins.

    The learning rate is the variant's own, else the task's, else the top-level `lr`, else that of the scale, the last
    three times the variant's factor; all else likewise.

    Args:
        task: contents of `task.json`, with the settings of the task's own entry in `overrides`.
    """
    scale, variant, overrides = settings.scale.finetune, settings.variants[variant_name], task.overrides
    values = scale.model_dump() | {"lr": settings.finetune_lr}
    values |= {key: value for key, value in overrides.items() if key in values}
    values["lr"] *= variant.lr_factor or 1.0
    epochs = variant.epochs.get(task_name) if isinstance(variant.epochs, dict) else variant.epochs
    own = variant.model_dump(include={"lr", "lm_weight", "read_out"}) | {"epochs": epochs}
    values |= {key: value for key, value in own.items() if value is not None}
    outputs = KINDS[task.kind].outputs(task.labels, overrides)
    values |= {"train_share": variant.train_share or 1.0, "head_strength": variant.head_strength}
    return FinetuneRecipe(**values, kind=task.kind, metric=task.metric, outputs=outputs)


def training_rows(rows: EncodedSplit, recipe: FinetuneRecipe) -> EncodedSplit:
    """Return the rows that a recipe trains on: all, or a share drawn at random, a smaller one out of a larger."""
    if recipe.train_share == 1.0:
        return rows
    order = np.random.Generator(np.random.Philox(key=0)).permutation(len(rows))
    return rows.take(np.sort(order[: max(1, round(recipe.train_share * len(rows)))]))
