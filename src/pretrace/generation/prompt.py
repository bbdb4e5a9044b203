"""Prompts, their continuations, and bounds of how much is in memory at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pretrace.common.errors import PretraceError
from pretrace.model.decoder import Decoder
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens.vocabulary import Vocabulary

Reason = Literal["length", "stop", "end"]
"""Why a continuation ended: it has as many tokens as asked for, a stop text, or a token that ends
it or its document."""


class Writer(Protocol):
    """A model that goes on from a prompt: any language model, or an encoder-decoder, whose prompt is a source."""

    def decoder(self, slots: int, positions: int) -> Decoder:
        """Return a decoder with room for so many texts of so many tokens."""
        ...

    def decoder_bytes(self, positions: int) -> int:
        """Return the bytes that a decoder keeps for a text of so many tokens."""
        ...


@dataclass(frozen=True)
class Prompt:
    """The beginning of a text, as ids; not empty."""

    ids: list[int]
    seed: int = 0
    """The n-th token of the continuation is drawn with the n-th draw of this seed."""
    tokens: int | None = None
    """Most tokens of its continuation; None: those of the settings."""
    ends: frozenset[int] = frozenset()
    """Tokens that end the continuation, such as the mark behind an answer."""

    def most_tokens(self, settings: GenerationSettings) -> int:
        """Return how many tokens its continuation has at most."""
        return settings.tokens if self.tokens is None else self.tokens


@dataclass(frozen=True)
class Generation:
    """A continuation."""

    ids: list[int]
    """All tokens, also those of a stop text or an end."""
    text: str
    """Text that the tokens add to the prompt's, without a stop text or an end."""
    reason: Reason
    log_probabilities: list[float]
    """Natural logarithm of the probability of each token, of all tokens, at temperature 1; empty if not asked for."""
    score: float | None = None
    """Beam search: the sum of these, over the length penalty."""


@dataclass(frozen=True)
class Limits:
    """Bounds of what is in memory at once. They change no text."""

    texts: int = 64
    cache_bytes: int = 1 << 30
    """Bytes of keys and values; a single text, or one's beams, may have more."""

    def slots(
        self, model: Writer, prompts: Sequence[Prompt], settings: GenerationSettings, each: int = 1
    ) -> tuple[int, int]:
        """Return how many texts a decoder has room for, in whole groups of `each`, and its tokens of a text."""
        positions = max(len(prompt.ids) + prompt.most_tokens(settings) for prompt in prompts)
        size = model.decoder_bytes(positions)
        texts = min(self.texts, self.cache_bytes // size if size else self.texts)
        return each * max(1, min(texts // each, len(prompts))), positions


def prompt_of(vocabulary: Vocabulary, text: str, seed: int = 0) -> Prompt:
    """Return the prompt of raw text, as the beginning of a document."""
    return Prompt([vocabulary.document_end_id, *vocabulary.encode(text)], seed)


def check_prompts(prompts: Sequence[Prompt]) -> None:
    """Raise `PretraceError` if a prompt has no tokens."""
    for number, prompt in enumerate(prompts, 1):
        if not prompt.ids:
            raise PretraceError(f"prompt {number}: has no tokens; a model needs one to go on from")
