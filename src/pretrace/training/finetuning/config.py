"""What a fine-tuning is made with, put together from the scale, the run, the task and the variant."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pretrace.settings import FinetuneSettings, Settings


@dataclass(frozen=True)
class Recipe:
    """What one fine-tuning is made with: the scale's settings after the run's, the task's and the variant's own."""

    settings: FinetuneSettings
    lr: float
    epochs: int
    lm_weight: float
    kind: str
    metric: str
    outputs: int
    """Classes; 1 for multiple choice and plain regression; the classes of a soft label's scale."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for fingerprints and reports."""
        return {**asdict(self), "settings": self.settings.model_dump()}


def resolve_recipe(settings: Settings, variant_name: str, note: dict[str, Any]) -> Recipe:
    """Put the settings of a task and a variant together; the more particular one wins.

    Rate: the variant's own, else the task's, else the top-level `lr`, else the scale's. All else likewise.

    Args:
        note: the task's `task.json`: `kind`, `metric`, `labels`, and in `overrides` what the task's entry sets itself.
    """
    task, variant, scale = note["overrides"], settings.variants[variant_name], settings.scale.finetune
    own = {key: task[key] for key in ("batch_size", "dropout") if key in task}
    return Recipe(
        settings=scale.model_copy(update=own),
        lr=variant.lr or task.get("lr") or settings.finetune_lr,
        epochs=variant.epochs or task.get("epochs") or scale.epochs,
        lm_weight=task.get("lm_weight", scale.lm_weight) if variant.lm_weight is None else variant.lm_weight,
        kind=note["kind"],
        metric=note["metric"],
        outputs=len(note["labels"]) if note["labels"] else task.get("soft_classes", 1),
    )
