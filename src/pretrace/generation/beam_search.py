"""Beam search: the likeliest continuations that a search of a given width finds, for many prompts at once.

Each step looks at the 2 x beams likeliest extensions of a prompt's beams by a token. Of the first `beams` of these,
those that end are finished; the first `beams` that do not end go on. It is over when the best of them could no longer
become better than the worst of `beams` finished ones. Ours, after transformers' search: without a length penalty it
finds the same.

Shapes: N texts, B beams, V vocabulary.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import torch
from torch import Tensor

from pretrace.generation.continuation import Continuation
from pretrace.generation.draw import allowed
from pretrace.generation.prompt import Generation, Limits, Prompt, Writer, check_prompts
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens.vocabulary import Vocabulary


@torch.inference_mode()
def beam_search(
    model: Writer,
    vocabulary: Vocabulary,
    prompts: Sequence[Prompt],
    settings: GenerationSettings,
    limits: Limits | None = None,
) -> list[list[Generation]]:
    """Return for each prompt its finished continuations, at most `beams`, the one with the best score first.

    Raises:
        PretraceError: as `generate`.
    """
    check_prompts(prompts)
    if not prompts:
        return []
    B = settings.beams
    slots, positions = (limits or Limits()).slots(model, prompts, settings, each=B)
    decoder = model.decoder(slots, positions)
    searches = [_Search(vocabulary, prompt, settings) for prompt in prompts]
    waiting = deque(sorted(searches, key=lambda search: search.prompt.ids))
    running: list[_Search] = []
    while waiting or running:
        running = [search for search in running if not search.done]
        decoder.arrange([search.first_slot + parent for search in running for parent in search.parents])
        for number, search in enumerate(running):
            search.first_slot = B * number
        if waiting and len(running) < slots // B:
            new = [waiting.popleft() for _ in range(min(len(waiting), slots // B - len(running)))]
            for number, search in enumerate(new, len(running)):
                search.first_slot = B * number
            logits_NV = decoder.read([search.first_slot for search in new], [search.prompt.ids for search in new])
            running += new
        elif running:
            new = running
            logits_NV = decoder.step([beam.ids[-1] for search in running for beam in search.beams])
        else:
            break
        for search, logits_BV in zip(new, logits_NV.float().cpu().chunk(len(new)), strict=True):
            search.extend(logits_BV)
    return [search.finished for search in searches]


class _Search:
    """The beams of a prompt."""

    def __init__(self, vocabulary: Vocabulary, prompt: Prompt, settings: GenerationSettings) -> None:
        self.prompt, self._vocabulary, self._settings = prompt, vocabulary, settings
        self.beams, self._scores = [Continuation(vocabulary, prompt, settings)], [0.0]
        self.parents: list[int] = []
        """Index that the text of each beam had before the last token."""
        self.first_slot = 0
        self.finished: list[Generation] = []
        """The best score first."""
        self.done = False

    def extend(self, logits_BV: Tensor) -> None:
        """Go on by a token, given the logits after each beam; after the prompt there is one."""
        B, V = self._settings.beams, logits_BV.shape[1]
        log_p_BV = allowed(torch.log_softmax(logits_BV, -1), self._vocabulary)
        sums_BV = torch.tensor(self._scores)[:, None] + log_p_BV
        best = sums_BV.flatten().topk(min(2 * B, sums_BV.numel()))
        next_beams: list[tuple[int, Continuation, float]] = []
        for rank, (score, index) in enumerate(zip(best.values.tolist(), best.indices.tolist(), strict=True)):
            parent, token = divmod(index, V)
            if score == -math.inf or len(next_beams) == B:
                break
            beam = self.beams[parent].branch(token, float(log_p_BV[parent, token]))
            if beam.reason in (None, "length"):
                next_beams.append((parent, beam, score))
            elif rank < B:
                self._finish(beam, score)
        if not next_beams or next_beams[0][1].reason:
            for _, beam, score in next_beams:
                self._finish(beam, score)
            self.done = True
        else:
            next_beams += [(*next_beams[-1][:2], -math.inf)] * (B - len(next_beams))  # fewer tokens than beams
            self.parents, self.beams, self._scores = map(list, zip(*next_beams, strict=True))
            worst = self.finished[B - 1].score if len(self.finished) == B else None
            most = self.prompt.most_tokens(self._settings)
            self.done = worst is not None and self._penalized(self._scores[0], most) <= worst

    def _finish(self, beam: Continuation, score: float) -> None:
        found = [*self.finished, beam.result(self._penalized(score, len(beam.ids)))]
        self.finished = sorted(found, key=lambda one: -(one.score or 0.0))[: self._settings.beams]

    def _penalized(self, log_probability: float, tokens: int) -> float:
        return log_probability / ((5 + tokens) / 6) ** self._settings.length_penalty
