"""A system: settings in which GPT-1, GPT-2, GPT-3, BERT and their controls differ, one file in `systems/`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pretrace.settings.scale import TRANSFORMER, ModelKind, Scale
from pretrace.settings.section import Section

Values = dict[str, Any]
SECTIONS = ("vocabulary", "model", "pretrain", "finetune", "sequence", "word2vec", "elmo")
"""Sections of a scale in which a system has values of its own."""


class System(Section):
    """Values that take the place of the scale's; what a system does not name stays the scale's, or GPT-1's.

    The keys are those of the scale's sections, which check them.
    """

    source: str
    """Paper and code that the values are from."""
    kind: ModelKind = TRANSFORMER
    """Kind of the language model; the scale has the sizes of each."""
    vocabulary: Values = Field(default_factory=dict)
    """Kind of vocabulary, which owns the way in which text is prepared."""
    model: Values = Field(default_factory=dict)
    """Form of the transformer."""
    pretrain: Values = Field(default_factory=dict)
    """Objective, optimizer and schedule."""
    finetune: Values = Field(default_factory=dict)
    """Input format and optimizer of fine-tuning."""
    sequence: Values = Field(default_factory=dict)
    """Training on pairs of texts."""
    word2vec: Values = Field(default_factory=dict)
    """Sizes and training of `kind: word2vec`."""
    elmo: Values = Field(default_factory=dict)
    """Sizes of `kind: elmo`."""
    at: dict[str, dict[str, Values]] = Field(default_factory=dict)
    """By scale and section, values for that scale alone: rates that were searched for there (docs/log.md)."""

    def over(self, sizes: Values, scale: str) -> Values:
        """Return the sections of a scale file with this system's values in them.

        Args:
            sizes: content of the scale file.
            scale: its name.
        """
        own = {name: getattr(self, name) for name in SECTIONS}
        joined = dict(sizes) if self.kind == TRANSFORMER else {**sizes, "kind": self.kind}
        for sections in (own, self.at.get(scale, {})):
            for name, values in sections.items():
                if not values:
                    continue  # a section that the scale lacks stays missing, and is named as such
                there = joined.get(name, {})
                joined[name] = {**there, **values} if isinstance(there, dict) else there
        return joined


class SystemAtScale(Section):
    """A system of the experiment, with the scale's sizes."""

    source: str
    """Paper and code of the system."""
    scale: Scale
    """Sizes, with the system's values in them."""
