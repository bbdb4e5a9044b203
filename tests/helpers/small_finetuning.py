"""Fine-tuning settings that learn a small task."""

from __future__ import annotations

from typing import Any

from pretrace.schemas.finetuning import FinetuneRecipe
from pretrace.schemas.tasks import TaskRecord
from pretrace.training.finetuning.config import resolve_recipe
from tests.helpers.made_up_results import task_record
from tests.helpers.small_training import settings_with

METRICS = {"regression": "pearson", "entailment": "matthews", "similarity": "f1"}


def recipe_of(kind: str, lm_weight: float = 0.5, lr: float = 0.01, epochs: int = 6, **changes: Any) -> FinetuneRecipe:
    values: dict[str, Any] = {
        **{
            "optimizer": "openai_adam",
            "weight_decay": 0.01,
            "beta1": 0.9,
            "beta2": 0.99,
            "clip_norm": 1.0,
            "lr": lr,
            "epochs": epochs,
        },
        **{"batch_size": 8, "warmup_share": 0.1, "lm_weight": lm_weight, "dropout": 0.0, "precision": "float32"},
    }
    outputs = {"classification": 2, "entailment": 2, "similarity": 2}.get(kind, 1)
    values |= {"kind": kind, "metric": METRICS.get(kind, "accuracy"), "outputs": outputs}
    return FinetuneRecipe.model_validate(values | changes)


def recipe(
    task: dict | None = None, variant: dict | None = None, lr: float | None = None, **note: Any
) -> FinetuneRecipe:
    settings = settings_with(lr=lr, variants={"full": variant or {}})
    record = task_record(**{"labels": ["a", "b", "c"], **note}, overrides=task or {})
    return resolve_recipe(settings, "full", "task", TaskRecord(**record))
