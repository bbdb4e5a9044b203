"""The searches for settings of fine-tuning and for rates of pre-training, and the ladder of sizes."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from pretrace.settings.experiment import Epochs
from pretrace.settings.section import Positive, PositiveShare, Section, Seed, Width

MOST_VALUES = 100


class Search(Section):
    """Settings that `pretrace search` tries: each factor with each number of passes, the same for all variants, so that
    none is tuned with a larger budget than another (ours). No stage reads this.
    """

    variants: Annotated[list[str], Field(min_length=1, max_length=MOST_VALUES)] = Field(
        default_factory=lambda: ["full", "scratch"]
    )
    """Variants to search for."""
    lr_factors: Annotated[list[Positive], Field(min_length=1, max_length=MOST_VALUES)] = Field(
        default_factory=lambda: [1.0, 5.0]
    )
    """Factors of the peak fine-tuning rate of the run or the task, in the place of the variant's own rate or factor."""
    epochs: Annotated[list[Epochs], Field(min_length=1, max_length=MOST_VALUES)] = Field(
        default_factory=lambda: [1, 3, 6]
    )
    """Passes over the training rows."""
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=MOST_VALUES)] = Field(default_factory=lambda: [1])
    """Seeds of fine-tuning; pre-trained variants start from the first pre-training."""

    @model_validator(mode="after")
    def _has_nothing_twice(self) -> Search:
        for name in ("variants", "lr_factors", "epochs", "seeds"):
            if len(set(values := getattr(self, name))) < len(values):
                raise ValueError(f"search.{name}: got {values}; the same value twice")
        return self


class Rates(Section):
    """Pre-trainings that `pretrace rates` tries: each factor for each system, so that none is tuned with a larger
    budget than another (ours). No stage reads this.
    """

    lr_factors: Annotated[list[Positive], Field(min_length=1, max_length=MOST_VALUES)] = Field(
        default_factory=lambda: [0.03125, 0.0625, 0.125, 0.25, 0.5, 1.0, 2.0]
    )
    """Factors of `pretrain.lr` of the scale's file, in the place of a system's own rate."""
    share: PositiveShare = 0.25
    """Share of the steps of the scale; warm-up and decay are as much shorter."""

    @model_validator(mode="after")
    def _has_nothing_twice(self) -> Rates:
        if len(set(self.lr_factors)) < len(self.lr_factors):
            raise ValueError(f"rates.lr_factors: got {self.lr_factors}; the same value twice")
        return self


class Ladder(Section):
    """Sizes that `pretrace ladder` pre-trains, in the scale's proportions, on its tokens (ours). No stage reads it."""

    widths: Annotated[list[Width], Field(min_length=4, max_length=20)] = Field(
        default_factory=lambda: [24, 56, 96, 160, 224]
    )
    """Widths, from the smallest; layers and heads follow (at laptop scale 0.1 to 5 million parameters). Four or more,
    as the largest is left out of the fit, and two points are a line without an interval."""

    @model_validator(mode="after")
    def _rises(self) -> Ladder:
        if any(one >= other for one, other in pairwise(self.widths)):
            raise ValueError(f"ladder.widths: got {self.widths}; takes each larger than the one before")
        return self
