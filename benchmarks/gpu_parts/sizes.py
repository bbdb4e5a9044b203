"""Sizes of the parts of gpu.py: as on a GPU, or tiny, to show on a CPU that they work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training_arms import DROPOUT, Size

from pretrace.settings import Settings, load_settings
from pretrace.settings.experiment import Variant
from pretrace.settings.load import load_scale

ROOT = Path(__file__).parents[2]
SYSTEM, VARIANT = "gpt1", "scratch"
TINY: dict[str, dict[str, Any]] = {
    "vocabulary": {"size": 300},
    "model": {"layers": 1, "width": 16, "heads": 2, "feed_forward": 32, "context": 32, "dropout": DROPOUT},
    "pretrain": {"batch_size": 4, "micro_batch": 4, "lr": 1e-3, "compile": "off"},
    "finetune": {"epochs": 1, "batch_size": 8},
}
"""Values in place of those of the laptop scale."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of all parts."""

    name: str
    compiled: bool
    rounds: int
    """Most rounds of the arms."""
    steps: int
    """Steps of a round."""
    run_steps: int
    """Steps of the pre-training that is killed; it has a checkpoint after each third of them."""
    rows: tuple[int, int, int]
    """Rows of the made-up pairs: train, dev, test."""
    part_words: tuple[int, int]
    """Mean number of tokens of both parts of a pair."""
    changes: dict[str, dict[str, Any]]
    """Changes of the scales."""

    def settings(self, scale: str, seeds: list[int] | None = None, **pretrain: Any) -> Settings:
        """Return the settings of a scale with these sizes: GPT-1's system, one variant with random weights.

        Args:
            seeds: of fine-tuning; None: those of params.yaml.
            pretrain: values in place of the scale's.
        """
        settings, at = load_settings(ROOT), load_scale(ROOT, scale, SYSTEM)
        changes = self.changes | {"pretrain": self.changes.get("pretrain", {}) | pretrain}
        sections = {
            name: getattr(at.scale, name).model_copy(update=values) for name, values in changes.items() if values
        }
        changed = at.model_copy(update={"scale": at.scale.model_copy(update=sections)})
        return settings.model_copy(
            update={
                "scale_name": scale,
                "systems": {SYSTEM: changed},
                "system_name": SYSTEM,
                "scale": changed.scale,
                "variants": {VARIANT: Variant(pretrained=False)},
                "seeds": seeds or settings.seeds,
            }
        )

    def size(self, scale: str, batch: int | None = None) -> Size:
        """Return a scale's size for the arms of training_arms.py, with dropout on the sum of the embeddings.

        Args:
            batch: sequences; None: those of the scale.
        """
        own = self.settings(scale).scale
        model = own.model.model_copy(update={"dropout": DROPOUT, "embedding_dropout": "sum"})
        return Size(scale, model, own.vocabulary.size, batch or int(own.pretrain.batch_size or 1), own.threads)


SIZES = {
    "full": Sizes("full", True, 5, 10, 30, (2490, 277, 277), (54, 12), {}),
    "tiny": Sizes("tiny", False, 2, 2, 6, (24, 8, 8), (8, 4), TINY),
}
"""The rows of the full size are those of RTE in GLUE, with its dev rows as test rows, too (Wang et al. 2019, table 1);
the lengths are about RTE's (ours)."""
