"""Continuations of many prompts at once, in a batch whose slots are given on as texts end."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from pretrace.generation.batch import Batch, Row
from pretrace.generation.beam_search import beam_search
from pretrace.generation.prompt import Generation, Limits, Prompt, Writer, check_prompts
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens.vocabulary import Vocabulary


def generate(
    model: Writer,
    vocabulary: Vocabulary,
    prompts: Sequence[Prompt],
    settings: GenerationSettings,
    limits: Limits | None = None,
    log_probabilities: bool = False,
) -> list[Generation]:
    """Return a continuation for each prompt; with `beams`, the best of its beam search.

    A transformer reads each token once, as long as prompt and continuation are within its context, and a beginning that
    prompts share once for all; after that the last `context - 1` tokens are read anew for each next one.

    Args:
        log_probabilities: True keeps those of the tokens.

    Raises:
        PretraceError: a prompt has no tokens, the model predicts no next tokens, or its weights are damaged.
    """
    check_prompts(prompts)
    if settings.beams > 1:
        return [found[0] for found in beam_search(model, vocabulary, prompts, settings, limits)]
    if not prompts:
        return []
    slots, positions = (limits or Limits()).slots(model, prompts, settings)
    batch = Batch(model, vocabulary, slots, positions)
    rows = [Row(vocabulary, prompt, settings, 0 if log_probabilities else None) for prompt in prompts]
    waiting = deque(sorted(rows, key=lambda row: row.prompt.ids))  # so that shared beginnings follow each other
    while waiting or batch.rows:
        while waiting and batch.room:
            batch.join([waiting.popleft() for _ in range(min(len(waiting), batch.room))])
        batch.step()
    return [row.result for row in rows]
