"""The columns of the table of sequences: systems that learn tasks of the kind `sequence`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pretrace.settings.section import Section


class Learner(Section):
    """One column: a system that is trained on the pairs of each task.

    An encoder-decoder reads the source and writes the target. Any other system that predicts next tokens reads source,
    delimiter and target as one text, and learns the target (GPT-2).
    """

    system: Annotated[str, Field(min_length=1)] | None = None
    """Name of a file in systems/; null: the first of `systems`."""
    pretrained: bool = False
    """True starts from the system's first pre-training, with its vocabulary, so it has to be one of `systems`. False
    starts from random weights, with a vocabulary of the task's own training pairs."""
