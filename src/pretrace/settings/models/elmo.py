"""Sizes of ELMo's bidirectional language model (Peters et al. 2018, section 3.4, and released code, bilm-tf)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from pretrace.settings.section import Positive, Section, Share, Width


class ElmoSettings(Section):
    """Two stacks of LSTMs, one a direction, that share embeddings and output."""

    layers: Annotated[int, Field(ge=1, le=1000)] = 2
    """LSTMs of each direction (ELMo: 2)."""
    width: Width = 4096
    """Units of an LSTM (ELMo: 4096)."""
    embedding: Width = 512
    """Size of the token embeddings, of what each LSTM's units are projected to, and so of the tied output (ELMo: 512,
    with an output of its own)."""
    dropout: Share = 0.1
    """Dropout on embeddings and on the output of each LSTM in pre-training (ELMo: 0.1)."""
    initial_std: Positive = 0.02
    """Standard deviation of the initial weights (ELMo: not normal, but uniform by Glorot's rule; 0.02 is
    GPT-1's)."""

    @model_validator(mode="after")
    def _projects_down(self) -> ElmoSettings:
        if self.embedding >= self.width:
            raise ValueError(
                f"embedding: got {self.embedding}; takes less than the width, {self.width}, projected to it"
            )
        return self
