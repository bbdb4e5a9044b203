"""Training on pairs of texts, and search for the target: the Transformer's (Vaswani et al. 2017, sections 5 and 6)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from pretrace.settings.models.generation import MOST_BEAMS
from pretrace.settings.section import Count, NotNegative, Positive, Rate, Section, Share, Steps


class SequenceSettings(Section):
    """Section of a scale. The defaults are those of the base model (section 5, and 6.1 for the search)."""

    steps: Steps = 100_000
    """Optimizer steps."""
    batch_tokens: Annotated[int, Field(ge=8, le=10**9)] = 25_000
    """Tokens of the sources of a batch, and of its targets, padding included: rows of similar length, as many as fit
    (section 5.1: approximately 25,000 each)."""
    lr: Rate = 7e-4
    """Peak learning rate, at the end of the warm-up (section 5.3: width^-0.5 x warm-up^-0.5, 6.99e-4)."""
    warmup_steps: Steps = 4_000
    """Steps in which the rate rises; it then falls with the inverse root of the steps (section 5.3)."""
    pretrained_lr: Rate = 2e-4
    """Peak learning rate of a learner that starts from pre-trained weights (ours)."""
    beta1: Share = 0.9
    """Decay rate of Adam's first moment (section 5.3)."""
    beta2: Share = 0.98
    """Decay rate of Adam's second moment (section 5.3)."""
    epsilon: Positive = 1e-9
    """Added to the root of the second moment (section 5.3)."""
    clip_norm: Positive = 1e9
    """Largest global norm of the gradients; the default cuts nothing (not in the paper)."""
    dropout: Share = 0.1
    """Dropout on embeddings, attention weights and residual branches (section 5.4)."""
    label_smoothing: Share = 0.1
    """Share of the target probability that is spread over all tokens alike (section 5.4)."""
    checkpoint_every: Steps = 1_000
    """Steps between checkpoints, of which the last are averaged (section 6.1: 10 minutes)."""
    averaged: Annotated[int, Field(ge=1, le=1_000)] = 5
    """Last checkpoints whose mean is the model (section 6.1: 5 for the base model); 1: the last one itself."""
    beams: Annotated[int, Field(ge=1, le=MOST_BEAMS)] = 4
    """Beams of the search for the target (section 6.1); 1: greedy."""
    length_penalty: NotNegative = 0.6
    """Exponent of the length in a target's score (section 6.1)."""
    more_tokens: Count = 50
    """Tokens that a target has more than its source, at most (section 6.1)."""

    @model_validator(mode="after")
    def _is_consistent(self) -> SequenceSettings:
        kept = -(-self.steps // self.checkpoint_every)
        if self.averaged > kept:
            raise ValueError(
                f"averaged: got {self.averaged}; {self.steps} steps have {kept} checkpoints, one every "
                f"{self.checkpoint_every}"
            )
        if self.length_penalty and self.beams == 1:
            raise ValueError("length_penalty: is for `beams` of 2 or more; takes 0")
        return self
