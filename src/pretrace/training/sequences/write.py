"""Targets that a trained model writes: by beam search, or always with the likeliest next token."""

from __future__ import annotations

from collections.abc import Sequence

from pretrace.generation import generate
from pretrace.settings.learners.sequence import SequenceSettings
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens.vocabulary import Vocabulary
from pretrace.training.sequences.learners import Learner
from pretrace.training.sequences.pairs import Pair


def write_targets(
    learner: Learner, pairs: Sequence[Pair], vocabulary: Vocabulary, settings: SequenceSettings, beams: int
) -> list[str]:
    """Return the target that is written for each source, on one line. With one beam: greedy."""
    form = GenerationSettings(
        temperature=0.0,
        end_of_document=True,
        beams=beams,
        length_penalty=settings.length_penalty if beams > 1 else 0.0,
    )
    prompts = [learner.prompt(pair.source, settings.more_tokens) for pair in pairs]
    found = generate(learner.writer, vocabulary, prompts, form)
    return [" ".join(one.text.split()) for one in found]


def too_long(learner: Learner, pairs: Sequence[Pair]) -> int:
    """Return how many sources lose their end before a target is written for them."""
    room = learner.source_room()
    return sum(len(pair.source) > room for pair in pairs)
