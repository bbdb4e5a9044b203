"""Settings of generation: tokens drawn or searched for, and the place where a text ends."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from pretrace.settings.section import Count, NotNegative, PositiveShare, Section

HOTTEST, COLDEST = 1000.0, 0.001
"""Bounds of a temperature. A smaller one divides the logits beyond what a number holds, and 0 already takes the most
likely token."""
MOST_BEAMS = 1000
StopText = Annotated[str, Field(min_length=1, max_length=1000)]


class GenerationSettings(Section):
    """Generation. Tokens are drawn by `temperature`, `top_k` and `top_p`, in this order, or searched for by `beams`."""

    tokens: Count = 40
    """Most tokens of a continuation."""
    temperature: Annotated[float, Field(ge=0.0, le=HOTTEST)] = 0.8
    """Divides the logits; 0 always takes the most likely token."""
    top_k: Count | None = 40
    """Number of most likely tokens that one is drawn from (Fan et al. 2018; 40 as GPT-2's samples); null: all."""
    top_p: PositiveShare = 1.0
    """A token is drawn from the fewest most likely ones with at least this probability in sum (Holtzman et al. 2020,
    section 3.1); 1: all."""
    stop: list[StopText] = Field(default_factory=list)
    """Texts that end a continuation, wherever in its tokens they lie; they are not part of it."""
    end_of_document: bool = False
    """True ends a continuation at the token between documents."""
    beams: Annotated[int, Field(ge=1, le=MOST_BEAMS)] = 1
    """Beams of a beam search, which draws nothing; 1: no search."""
    length_penalty: NotNegative = 0.0
    """Beam search: the log-probability of a text of n tokens is divided by ((5 + n) / 6)^this (Wu et al. 2016,
    equation 14; 0.6 in GPT-3's paper); 0: it is not divided."""

    @model_validator(mode="after")
    def _in_range(self) -> GenerationSettings:
        if 0 < self.temperature < COLDEST:
            raise ValueError(f"`temperature` takes 0, or a number from {COLDEST:g} to {HOTTEST:g}")
        if self.length_penalty and self.beams == 1:
            raise ValueError("`length_penalty` is for `beams` of 2 or more")
        return self
