"""The gold reward: which half of the sources a text sounds like, known by construction.

It is a function of the text alone, fitted on the training documents: the mean over an answer's tokens of the log-odds
of one half against the other. No model that is judged by it sees it, and it needs no label.

Shapes: V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.corpus.documents import document_parts, sources_of
from pretrace.settings.alignment.data import Gold
from pretrace.tokens.shards.read import Shards
from pretrace.tokens.vocabulary import Vocabulary
from pretrace.training.alignment.text.conversation import Rendered

SMOOTHING = 1.0
"""Added to the count of each token."""


@dataclass(frozen=True)
class GoldReward:
    """Log-odds of tokens, in units of their spread over the start policy's answers."""

    weights_V: np.ndarray
    """float64; 0 where a token says nothing."""
    mean: float = 0.0
    spread: float = 1.0

    def of(self, answers: Sequence[Sequence[int]]) -> np.ndarray:
        """Return the reward (B,) of answers, as ids."""
        raw_B = np.array([self.weights_V[list(ids)].mean() for ids in answers])
        return (raw_B - self.mean) / self.spread

    def of_texts(self, texts: Sequence[Rendered]) -> np.ndarray:
        """Return the reward (B,) of the answers in texts."""
        return self.of([text.ids_T[text.trained_T].tolist() for text in texts])

    def in_units_of(self, answers: Sequence[Sequence[int]]) -> GoldReward:
        """Return the reward with mean 0 and variance 1 over these answers, of the start policy.

        Raises:
            PretraceError: all of them have the same.
        """
        raw_B = replace(self, mean=0.0, spread=1.0).of(answers)
        if raw_B.std() == 0:
            raise PretraceError(
                "the gold reward is the same for all answers of the start policy; lower gold.least_count"
            )
        return replace(self, mean=float(raw_B.mean()), spread=float(raw_B.std()))


def halves_of(sizes: dict[str, int]) -> tuple[list[str], list[str]]:
    """Return sources as two halves of about the same number of tokens: the largest first, each to the smaller half.

    Raises:
        PretraceError: there is one source alone.
    """
    if len(sizes) < 2:
        raise PretraceError(
            f"gold reward: the corpus has {len(sizes)} source, and which half of the sources a text sounds like needs "
            "two or more; name sources (corpus.columns), or set files.instructions and files.preferences"
        )
    halves: tuple[list[str], list[str]] = ([], [])
    tokens = [0, 0]
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        smaller = int(tokens[1] < tokens[0])
        halves[smaller].append(name)
        tokens[smaller] += sizes[name]
    return halves


def fit_gold(
    shards: Shards, clean: Path, vocabulary: Vocabulary, settings: Gold
) -> tuple[GoldReward, tuple[list[str], list[str]]]:
    """Return the reward fitted on the training text, and the halves, of which the first one is preferred.

    Args:
        shards: training text, its documents in the order of `clean`.
        clean: folder of the same documents.

    Raises:
        PretraceError: they do not belong together, or there is one source alone.
    """
    sources = [source for part in document_parts(clean) for source in sources_of(part)]
    starts = shards.document_starts()
    if len(sources) != len(starts) - 1:
        raise PretraceError(
            f"{clean}: {len(sources)} documents, and the shards have {len(starts) - 1}; run `dvc repro`"
        )
    sizes: dict[str, int] = {}
    for source, size in zip(sources, np.diff(starts).tolist(), strict=True):
        sizes[source] = sizes.get(source, 0) + size
    halves = halves_of(sizes)
    counts_2V = np.zeros((2, vocabulary.size))
    for source, start, end in zip(sources, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        half = int(source in halves[1])
        counts_2V[half] += np.bincount(shards.read(start, end - start), minlength=vocabulary.size)
    return GoldReward(log_odds(counts_2V, vocabulary, settings)), halves


def log_odds(counts_2V: np.ndarray, vocabulary: Vocabulary, settings: Gold) -> np.ndarray:
    """Return the log-odds (V,) of tokens, from their counts in both halves."""
    shares_2V = (counts_2V + SMOOTHING) / (counts_2V + SMOOTHING).sum(1, keepdims=True)
    odds_V = np.clip(np.log(shares_2V[0] / shares_2V[1]), -settings.clip, settings.clip)
    says_V = counts_2V.sum(0) >= settings.least_count
    if settings.words_only:
        says_V &= np.array([any(map(str.isalpha, vocabulary.decode([index]))) for index in range(vocabulary.size)])
    for special in (vocabulary.document_end_id, vocabulary.unknown_id):
        if special is not None:
            says_V[special] = False
    return np.where(says_V, odds_V, 0.0)
