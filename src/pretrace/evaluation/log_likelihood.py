"""Log-probabilities of tokens given those before them, for many short texts at once.

Texts are read in batches of similar length, padded on the right, where no scored token attends to padding. Hidden
states have the precision of the device, as in pre-training; logits are float32, as the scores of two choices may differ
by less than bfloat16 can represent.

Shapes: S texts, T tokens of the longest in a batch, B texts in a batch, C hidden width, V vocabulary, R and N scored
tokens of a batch and of all texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.model import LanguageModel
from pretrace.training.engine.device import Device

TOKENS_AT_ONCE = 8192
"""Tokens that the model reads at once, padding included."""
ROWS_AT_ONCE = 512
"""Tokens whose logits are in memory at once: 83 MB for GPT-1's vocabulary."""


@dataclass(frozen=True)
class Question:
    """Tokens `asked`, to be scored after the tokens `given`; both are arrays of ids."""

    given: np.ndarray
    asked: np.ndarray


@dataclass(frozen=True)
class Scores:
    """Scores of the asked tokens, in the order of the questions."""

    log_probabilities_N: np.ndarray
    """Natural logarithms, float32."""
    greedy_N: np.ndarray
    """True where no other token was more likely."""
    counts_S: np.ndarray
    """Asked tokens of each question."""
    cut: int
    """Number of questions longer than the context, whose beginning was cut off."""

    @property
    def sums(self) -> np.ndarray:
        """Log-probability of all tokens that a question asks, (S,)."""
        return np.bincount(self._owners, self.log_probabilities_N, len(self.counts_S))

    @property
    def means(self) -> np.ndarray:
        """Mean log-probability of its tokens, (S,); minus infinity if it asks none."""
        return np.where(self.counts_S > 0, self.sums / np.maximum(self.counts_S, 1), -np.inf)

    @property
    def all_greedy(self) -> np.ndarray:
        """True where greedy decoding would write all tokens asked, (S,)."""
        return np.bincount(self._owners, ~self.greedy_N, len(self.counts_S)) == 0

    @property
    def _owners(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.counts_S)), self.counts_S)


@torch.no_grad()
def score_questions(
    model: LanguageModel, questions: Sequence[Question], device: Device, tokens: int = TOKENS_AT_ONCE
) -> Scores:
    """Score the tokens that questions ask; `tokens`, read at once, changes rounding only.

    A question longer than the model's context is cut at its beginning. The first token of a text has none before it: it
    is neither scored nor counted.

    Raises:
        PretraceError: a log-probability is not finite, or the model predicts no next tokens.
    """
    model.check_is_causal()
    texts, counts_S, cut = fitted(questions, model.context)
    offsets = np.concatenate([[0], np.cumsum(counts_S)])
    log_probabilities_N, greedy_N = np.zeros(offsets[-1], np.float32), np.zeros(offsets[-1], bool)
    for chosen in _batches(texts, counts_S, tokens):
        scores, greedy = _asked(model, [texts[i] for i in chosen], counts_S[chosen], device)
        check_finite(scores)
        columns = np.concatenate([np.arange(offsets[i], offsets[i + 1]) for i in chosen])
        log_probabilities_N[columns], greedy_N[columns] = scores, greedy
    return Scores(log_probabilities_N, greedy_N, counts_S, cut)


def check_finite(scores: np.ndarray) -> None:
    """Raise `PretraceError` if a log-probability is not finite."""
    if not np.isfinite(scores).all():
        raise PretraceError("the model's log-probabilities are not finite; its weights are damaged")


def fitted(questions: Sequence[Question], context: int) -> tuple[list[np.ndarray], np.ndarray, int]:
    """Return each text as ids of at most the context, how many of its last tokens are asked, and how many were cut.

    The last token of a text is only predicted, so the model reads at most context - 1 tokens, as in pre-training.
    """
    texts = [np.concatenate([question.given, question.asked]).astype(np.int64) for question in questions]
    asked = [min(len(q.asked), max(0, min(len(text), context) - 1)) for q, text in zip(questions, texts, strict=True)]
    cut = sum(len(text) > context for text in texts)
    return [text[-context:] for text in texts], np.array(asked, np.int64), cut


def _batches(texts: list[np.ndarray], counts_S: np.ndarray, tokens: int) -> Iterator[np.ndarray]:
    """Yield indices of texts to read together: the longest first, so that memory runs out at once or never."""
    lengths = np.array([len(text) for text in texts], np.int64)
    order = np.argsort(-lengths, kind="stable")
    order = order[counts_S[order] > 0]
    start = 0
    while start < len(order):
        end = start + max(1, tokens // int(lengths[order[start]]))
        yield order[start:end]
        start = end


def _asked(
    model: LanguageModel, texts: list[np.ndarray], counts_B: np.ndarray, device: Device
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-probabilities (R,) of the asked tokens at the texts' ends, and whether each is the most likely."""
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
    results = [next_token(model.logits(h_rC.float()), targets_r) for h_rC, targets_r in parts]
    log_probabilities, greedy = (torch.cat(parts_of).cpu().numpy() for parts_of in zip(*results, strict=True))
    return log_probabilities, greedy


def next_token(z_UV: Tensor, targets_R: Tensor, rows_R: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the log-probability of each target by its logits, and whether it is the most likely.

    Args:
        rows_R: row of the logits for each target; None: one row each, in their order.
    """
    total_U, best_U = z_UV.logsumexp(1), z_UV.argmax(1)
    if rows_R is None:
        return z_UV.gather(1, targets_R[:, None])[:, 0] - total_U, best_U == targets_R
    return z_UV[rows_R, targets_R] - total_U[rows_R], best_U[rows_R] == targets_R
