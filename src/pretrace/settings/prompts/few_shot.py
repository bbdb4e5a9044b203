"""Tasks with examples in the prompt, which `pretrace fewshot` scores."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from pretrace.settings.section import Count, Section, Seed

Shots = Annotated[int, Field(ge=0, le=1000)]
MOST_VALUES = 100


class FewShot(Section):
    """Prompts with K examples from train, scored without a gradient (GPT-3, section 2). No stage reads this."""

    tasks: list[str] | None = None
    """Tasks to score; null: all."""
    shots: Annotated[list[Shots], Field(min_length=1, max_length=MOST_VALUES)] = Field(
        default_factory=lambda: [0, 1, 2, 4, 8]
    )
    """Numbers of examples; `few-shot` in the table is the one of two or more that is best on dev."""
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=MOST_VALUES)] = Field(default_factory=lambda: [1, 2, 3])
    """Draws of examples. Each row has its own examples, a function of (seed, row)."""
    balanced: bool = False
    """Draw equally many examples of each class or level; means nothing for rows with choices of their own."""
    calibrate: bool | None = None
    """Contextual calibration (Zhao et al. 2021) for all prompts, or for none; null: as each prompt says."""
    contamination: bool = True
    """Look for the scored test rows in the training text (data/clean/train), and report the score of the others."""
    rows: Count | None = 500
    """Most test rows of a task, evenly spaced; null: all."""
    dev_rows: Count | None = 200
    """Most dev rows, which choose the number of examples; null: all."""

    @model_validator(mode="after")
    def _has_nothing_twice(self) -> FewShot:
        for name in ("tasks", "shots", "seeds"):
            values = getattr(self, name) or []
            if len(set(values)) < len(values):
                raise ValueError(f"few_shot.{name}: got {values}; the same value twice")
        return self
