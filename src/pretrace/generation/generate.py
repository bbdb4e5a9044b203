"""Continuations of many prompts at once, in a batch whose slots are given on as texts end (continuous batching).

A text is the same whatever else is in the batch, in which order and how much: its logits are (`model.decoder`), and its
tokens are drawn by a generator of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import torch
from torch import Tensor

from pretrace.generation.beam_search import beam_search
from pretrace.generation.continuation import Continuation
from pretrace.generation.draw import allowed, draw
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
    batch = _Batch(model, vocabulary, prompts, settings, limits or Limits(), log_probabilities)
    return batch.run()


class _Row:
    """A prompt and its continuation."""

    def __init__(self, number: int, prompt: Prompt, continuation: Continuation) -> None:
        self.number, self.prompt, self.continuation = number, prompt, continuation
        self.generator = torch.Generator().manual_seed(prompt.seed)

    @property
    def ended(self) -> bool:
        return self.continuation.reason is not None


class _Batch:
    def __init__(
        self,
        model: Writer,
        vocabulary: Vocabulary,
        prompts: Sequence[Prompt],
        settings: GenerationSettings,
        limits: Limits,
        log_probabilities: bool,
    ) -> None:
        self._vocabulary, self._settings, self._keeps = vocabulary, settings, log_probabilities
        self._slots, positions = limits.slots(model, prompts, settings)
        self._decoder = model.decoder(self._slots, positions)
        ordered = sorted(enumerate(prompts), key=lambda one: one[1].ids)  # so that shared beginnings follow each other
        self._waiting = deque(
            _Row(number, prompt, Continuation(vocabulary, prompt, settings)) for number, prompt in ordered
        )
        self._rows: list[_Row] = []
        """By their slots."""
        self._done: dict[int, Generation] = {}

    @torch.inference_mode()
    def run(self) -> list[Generation]:
        """Return the continuations in the order of their prompts."""
        while self._waiting or self._rows:
            while self._waiting and (free := self._free()):
                self._begin(free)
            self._close_gaps()
            if self._rows:
                self._choose(self._rows, self._decoder.step([row.continuation.ids[-1] for row in self._rows]))
        return [self._done[number] for number in sorted(self._done)]

    def _free(self) -> list[int]:
        ended = [slot for slot, row in enumerate(self._rows) if row.ended]
        return [*ended, *range(len(self._rows), self._slots)][: len(self._waiting)]

    def _begin(self, slots: list[int]) -> None:
        rows = [self._waiting.popleft() for _ in slots]
        for slot, row in zip(slots, rows, strict=True):
            self._rows[slot : slot + 1] = [row]
        self._choose(rows, self._decoder.read(slots, [row.prompt.ids for row in rows]))

    def _close_gaps(self) -> None:
        """Move the last texts to slots of texts that have ended, so that those in use are the first ones."""
        order = [slot for slot, row in enumerate(self._rows) if not row.ended]
        used = len(order)
        behind = [slot for slot in order if slot >= used]
        kept = [slot if not self._rows[slot].ended else behind.pop() for slot in range(used)]
        if len(self._rows) != used:
            self._decoder.arrange(kept)
            self._rows = [self._rows[slot] for slot in kept]

    def _choose(self, rows: Sequence[_Row], logits_NV: Tensor) -> None:
        logits_NV = logits_NV.float().cpu()
        ids = draw(allowed(logits_NV, self._vocabulary), [row.generator for row in rows], self._settings)
        kept: list[float | None] = [None] * len(rows)
        if self._keeps:
            chosen_N1 = torch.tensor(ids)[:, None]
            kept = torch.log_softmax(logits_NV, -1).gather(1, chosen_N1)[:, 0].tolist()
        for row, index, log_probability in zip(rows, ids, kept, strict=True):
            row.continuation.add(index, log_probability)
            if row.ended:
                self._done[row.number] = row.continuation.result()
