"""Log-probabilities of tokens given those before them, for many short texts at once.

Texts are read in batches of about the same length, padded at the end, where padding is seen by no token that counts.
Hidden states are in the precision of the device, as in pre-training; the logits are float32, as the scores of two
answers may differ by less than bfloat16 tells apart.

Shapes: S texts, T tokens of the longest in a batch, B texts in a batch, C hidden width, V vocabulary, R and N asked
tokens of a batch and of all texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.training.engine.device import Device

TOKENS_AT_ONCE = 8192
"""Tokens that the model reads at once, padding included."""
ROWS_AT_ONCE = 512
"""Tokens whose logits are held at once: 83 MB for GPT-1's vocabulary."""


@dataclass(frozen=True)
class Question:
    """How likely are the tokens `asked`, after those that are `given`? Both are arrays of ids."""

    given: np.ndarray
    asked: np.ndarray


@dataclass(frozen=True)
class Scores:
    """Of each asked token, in the order of the questions: float32 (N,), and whether no other one was likelier."""

    log_probabilities_N: np.ndarray
    greedy_N: np.ndarray
    counts_S: np.ndarray
    """Asked tokens of each question."""
    cut: int
    """Questions that were longer than the context, and lost their beginning."""

    @property
    def sums(self) -> np.ndarray:
        """The log-probability of all that a question asks, (S,)."""
        return np.bincount(self._owners, self.log_probabilities_N, len(self.counts_S))

    @property
    def means(self) -> np.ndarray:
        """The mean log-probability of its tokens, (S,); minus infinity where it asks nothing."""
        return np.where(self.counts_S > 0, self.sums / np.maximum(self.counts_S, 1), -np.inf)

    @property
    def all_greedy(self) -> np.ndarray:
        """Whether a model that always takes the likeliest token would write all that is asked, (S,)."""
        return np.bincount(self._owners, ~self.greedy_N, len(self.counts_S)) == 0

    @property
    def _owners(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.counts_S)), self.counts_S)


@torch.no_grad()
def score(model: Any, questions: Sequence[Question], device: Device, tokens: int = TOKENS_AT_ONCE) -> Scores:
    """Ask a language model; `tokens` is how many it reads at once, which changes rounding only.

    A question longer than the model's context is cut at its beginning. What is asked has to have a token before it, so
    the first of a text without one is not scored, and no longer counted among the asked.

    Raises:
        PretraceError: a log-probability is not finite.
    """
    texts, counts_S, cut = _fitted(questions, model.context)
    offsets = np.concatenate([[0], np.cumsum(counts_S)])
    log_probabilities_N, greedy_N = np.zeros(offsets[-1], np.float32), np.zeros(offsets[-1], bool)
    for chosen in _batches(texts, counts_S, tokens):
        found, greedy = _asked(model, [texts[i] for i in chosen], counts_S[chosen], device)
        if not np.isfinite(found).all():
            raise PretraceError("the model gives log-probabilities that are no numbers; its weights are damaged")
        places = np.concatenate([np.arange(offsets[i], offsets[i + 1]) for i in chosen])
        log_probabilities_N[places], greedy_N[places] = found, greedy
    return Scores(log_probabilities_N, greedy_N, counts_S, cut)


def _fitted(questions: Sequence[Question], context: int) -> tuple[list[np.ndarray], np.ndarray, int]:
    """Each text as ids of at most the context, how many of its last tokens are asked, and how many texts were cut.

    The last token of a text is only predicted, so the model reads at most context - 1, as in pre-training.
    """
    texts = [np.concatenate([question.given, question.asked]).astype(np.int64) for question in questions]
    asked = [min(len(q.asked), max(0, min(len(text), context) - 1)) for q, text in zip(questions, texts, strict=True)]
    cut = sum(len(text) > context for text in texts)
    return [text[-context:] for text in texts], np.array(asked, np.int64), cut


def _batches(texts: list[np.ndarray], counts_S: np.ndarray, tokens: int) -> Iterator[np.ndarray]:
    """Numbers of texts to read together: the longest first, as that is where memory would run out."""
    lengths = np.array([len(text) for text in texts], np.int64)
    order = np.argsort(-lengths, kind="stable")
    order = order[counts_S[order] > 0]
    start = 0
    while start < len(order):
        end = start + max(1, tokens // int(lengths[order[start]]))
        yield order[start:end]
        start = end


def _asked(model: Any, texts: list[np.ndarray], counts_B: np.ndarray, device: Device) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities (R,) of the asked tokens at the texts' ends, and whether each is the likeliest."""
    longest = max(map(len, texts))
    ids_BT = torch.zeros((len(texts), longest), dtype=torch.int64)
    for row, text in zip(ids_BT, texts, strict=True):
        row[: len(text)] = torch.from_numpy(text)
    ends = np.cumsum(counts_B)
    rows = np.repeat(np.arange(len(texts)), counts_B)
    columns = np.arange(ends[-1]) - np.repeat(ends, counts_B) + np.repeat([len(text) for text in texts], counts_B)
    targets_R = ids_BT[rows, columns].to(device.name)
    with device.autocast():
        h_BTC = model.hidden(ids_BT[:, :-1].to(device.name))
    h_RC = h_BTC[torch.from_numpy(rows).to(device.name), torch.from_numpy(columns - 1).to(device.name)]
    parts = zip(h_RC.split(ROWS_AT_ONCE), targets_R.split(ROWS_AT_ONCE), strict=True)
    found = [
        _next_token(model.output_states(h_rC.float()), model.output_weight(), targets_r) for h_rC, targets_r in parts
    ]
    log_probabilities, greedy = (torch.cat(pieces).cpu().numpy() for pieces in zip(*found, strict=True))
    return log_probabilities, greedy


def _next_token(h_RC: Tensor, output_VC: Tensor, targets_R: Tensor) -> tuple[Tensor, Tensor]:
    """The log-probability of each target, and whether it is the likeliest."""
    z_RV = F.linear(h_RC, output_VC)
    own_R = z_RV.gather(1, targets_R[:, None])[:, 0]
    return own_R - z_RV.logsumexp(1), z_RV.argmax(1) == targets_R
