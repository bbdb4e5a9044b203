"""The objective of a pre-training, by its settings."""

from __future__ import annotations

from pretrace.settings import ObjectiveSettings
from pretrace.training.objectives import Objective
from pretrace.training.objectives.both_directions import BothDirections
from pretrace.training.objectives.causal_lm import CausalLM
from pretrace.training.objectives.in_order import InOrder
from pretrace.training.objectives.masked_lm import MaskedLM
from pretrace.training.objectives.special_tokens import SpecialTokens, needed


def choose_objective(settings: ObjectiveSettings, special: SpecialTokens | None, vocabulary_size: int) -> Objective:
    """Return the objective of the settings.

    Args:
        special: tokens of the vocabulary; None if it has none.

    Raises:
        PretraceError: the vocabulary is not one for it.
    """
    if settings.kind == "next_token":
        return CausalLM()
    if settings.kind == "both_directions":
        return BothDirections()
    if settings.kind == "in_order":
        return InOrder(settings.evaluation_memory)
    return MaskedLM(settings, needed(special), vocabulary_size)
