"""The settings of one fine-tuning, resolved once from the scale, the run, the task and the variant."""

from __future__ import annotations

from pretrace.schemas.finetuning import FinetuneRecipe
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import Settings
from pretrace.tasks.kinds import KINDS


def resolve_recipe(settings: Settings, variant_name: str, task: TaskRecord) -> FinetuneRecipe:
    """Return the settings of a variant on a task; the more particular value wins.

    The learning rate is the variant's own, else the task's, else the top-level `lr`, else that of the scale; all else
    likewise.

    Args:
        task: contents of `task.json`, with the settings of the task's own entry in `overrides`.
    """
    scale, variant, overrides = settings.scale.finetune, settings.variants[variant_name], task.overrides
    values = scale.model_dump() | {"lr": settings.finetune_lr}
    values |= {key: value for key, value in overrides.items() if key in values}
    own = {"lr": variant.lr, "epochs": variant.epochs, "lm_weight": variant.lm_weight}
    own |= {"read_out": variant.read_out}
    values |= {key: value for key, value in own.items() if value is not None}
    outputs = KINDS[task.kind].outputs(task.labels, overrides)
    return FinetuneRecipe(**values, kind=task.kind, metric=task.metric, outputs=outputs)
