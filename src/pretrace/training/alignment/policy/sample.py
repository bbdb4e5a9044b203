"""Answers of a policy, and the log-probabilities that it gives to answers.

Both are of the same distribution: all tokens but that of the unknown, logits divided by the temperature, no top-k and
no top-p. The sampler has no dropout and no state.

Shapes: K tokens of answers, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from pretrace.generation import Prompt, generate
from pretrace.model.language_model import LanguageModel
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens.vocabulary import Vocabulary
from pretrace.training.alignment.text.packing import PackedTexts
from pretrace.training.alignment.text.roles import RoleVocabulary
from pretrace.training.engine.device import Device


class Likelihoods(NamedTuple):
    """Log-probabilities of the tokens of answers."""

    chosen_K: Tensor
    entropy_K: Tensor
    """Entropy of the distribution that each was drawn from, nats; without a gradient."""


@dataclass(frozen=True)
class Sampler:
    """The way in which answers are drawn."""

    vocabulary: Vocabulary
    tokens: int
    """Most tokens of an answer."""
    temperature: float

    @property
    def end_id(self) -> int | None:
        """The end mark; None where answers have none, and so the same length."""
        return self.vocabulary.end_id if isinstance(self.vocabulary, RoleVocabulary) else None

    def draw(
        self, model: LanguageModel, prompts: Sequence[Sequence[int]], seeds: Sequence[int]
    ) -> list[tuple[int, ...]]:
        """Return an answer to each prompt; its n-th token is the n-th draw of its seed, whatever else is drawn."""
        settings = GenerationSettings(
            tokens=self.tokens,
            temperature=self.temperature,
            top_k=None,
            end_of_document=self.end_id is not None,
        )
        asked = [Prompt(list(ids), seed) for ids, seed in zip(prompts, seeds, strict=True)]
        return [tuple(one.ids) for one in generate(model, self.vocabulary, asked, settings)]

    def likelihoods(self, model: LanguageModel, packed: PackedTexts, device: Device) -> Likelihoods:
        """Return the log-probabilities of the trained tokens of texts: the one function of sampling and training."""
        with device.autocast():
            logits_KV = model.logits(packed.states(model)[packed.places_K])
        logits_KV = logits_KV.float() / self.temperature
        if self.vocabulary.unknown_id is not None:
            never_V = torch.zeros(logits_KV.shape[1], device=logits_KV.device)
            never_V[self.vocabulary.unknown_id] = -torch.inf
            logits_KV = logits_KV + never_V
        log_p_KV = torch.log_softmax(logits_KV, -1)
        chosen_K = log_p_KV.gather(1, packed.targets_K[:, None])[:, 0]
        with torch.no_grad():
            entropy_K = -(log_p_KV.exp() * log_p_KV.clamp_min(-1e4)).sum(-1)
        return Likelihoods(chosen_K, entropy_K)
