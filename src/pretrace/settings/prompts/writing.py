"""Settings of an answer that a model writes: how it is chosen, and where it ends."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pretrace.settings.models.generation import GenerationSettings, StopText
from pretrace.settings.section import Count, NotNegative, Section


class Writing(Section):
    """Greedy, or by beam search; the end of a document ends an answer, too."""

    stop: Annotated[list[StopText], Field(min_length=1, max_length=20)]
    """Texts that end an answer and are no part of it."""
    tokens: Count = 64
    """Most tokens of an answer. The context has room for as many behind the row."""
    beams: Annotated[int, Field(ge=1, le=100)] = 1
    """Beams of a beam search; 1: the likeliest token each time. GPT-3 has 4 (section 2.4)."""
    length_penalty: NotNegative = 0.0
    """As `GenerationSettings.length_penalty`; GPT-3 has 0.6."""

    def settings(self) -> GenerationSettings:
        """Return the settings of generation."""
        return GenerationSettings(
            tokens=self.tokens,
            temperature=0.0,
            stop=self.stop,
            end_of_document=True,
            beams=self.beams,
            length_penalty=self.length_penalty if self.beams > 1 else 0.0,
        )
