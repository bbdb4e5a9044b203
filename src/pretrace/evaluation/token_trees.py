"""Log-probabilities of texts that begin alike, with each beginning read once.

The texts of a group (the answers to one question, with and without its examples) become a tree of tokens: a token
attends to those on the way from the root to it, at the position that it has in its text. Its state is that of the text
read alone, up to rounding. Models whose states depend on more than that read each text by itself.

Shapes: S texts, N nodes of a tree, B trees read together, T nodes of the largest, R scored tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pretrace.evaluation.log_likelihood import (
    ROWS_AT_ONCE,
    TOKENS_AT_ONCE,
    Question,
    Scores,
    check_finite,
    fitted,
    next_token,
    score_questions,
)
from pretrace.model import LanguageModel
from pretrace.model.packed_sequences import Layout, PaddedBatch
from pretrace.training.engine.device import Device
from pretrace.training.features.states import batches
from pretrace.training.finetuning.batching import common_beginning


@dataclass(frozen=True)
class TokenTree:
    """Texts of one group. Their last tokens are only predicted, so they are no nodes."""

    ids_N: np.ndarray
    positions_N: np.ndarray
    seen_NN: np.ndarray
    """True where a node (first axis) attends to another."""
    predicting_R: np.ndarray
    """Node from which each asked token is predicted, text by text."""
    targets_R: np.ndarray


def token_tree(texts: Sequence[np.ndarray], asked: Sequence[int]) -> TokenTree:
    """Return the tree of texts (token ids); the last `asked` tokens of each are scored, and fewer than it has."""
    paths: list[np.ndarray] = []
    ids: list[np.ndarray] = []
    nodes = 0
    for text in texts:
        read, shared, beginning = text[:-1], 0, np.zeros(0, np.int64)
        for path, other in zip(paths, texts, strict=False):
            if (common := common_beginning([text, other])) > shared:
                shared, beginning = common, path[:common]
        own = np.arange(nodes, nodes + len(read) - shared)
        paths.append(np.concatenate([beginning, own]))
        ids.append(read[shared:])
        nodes += len(own)
    positions_N, seen_NN = np.zeros(nodes, np.int64), np.zeros((nodes, nodes), bool)
    for path in paths:
        positions_N[path] = np.arange(len(path))
        seen_NN[path[:, None], path[None]] |= np.tri(len(path), dtype=bool)
    ends = [(path, text, len(text) - count) for path, text, count in zip(paths, texts, asked, strict=True)]
    return TokenTree(
        np.concatenate(ids),
        positions_N,
        seen_NN,
        np.concatenate([path[first - 1 :] for path, _, first in ends]),
        np.concatenate([text[first:] for _, text, first in ends]),
    )


@torch.no_grad()
def score_groups(
    model: LanguageModel, groups: Sequence[Sequence[Question]], device: Device, tokens: int = TOKENS_AT_ONCE
) -> Scores:
    """Score the questions of all groups, in their order, as `score_questions` does up to rounding.

    Args:
        tokens: nodes read at once; changes rounding only.

    Raises:
        PretraceError: as `score_questions`.
    """
    questions = [question for group in groups for question in group]
    if not model.shares_beginnings:
        return score_questions(model, questions, device, tokens)
    model.check_is_causal()
    texts, counts_S, cut = fitted(questions, model.context)
    offsets = np.concatenate([[0], np.cumsum(counts_S)])
    log_probabilities_N, greedy_N = np.zeros(offsets[-1], np.float32), np.zeros(offsets[-1], bool)
    trees, columns, first = [], [], 0
    for group in groups:
        scored = [i for i in range(first, first + len(group)) if counts_S[i]]
        first += len(group)
        if scored:
            trees.append(token_tree([texts[i] for i in scored], [int(counts_S[i]) for i in scored]))
            columns.append(np.concatenate([np.arange(offsets[i], offsets[i + 1]) for i in scored]))
    for chosen in batches([len(tree.ids_N) for tree in trees], tokens):
        scores, greedy = _scored(model, [trees[i] for i in chosen], device)
        check_finite(scores)
        places = np.concatenate([columns[i] for i in chosen])
        log_probabilities_N[places], greedy_N[places] = scores, greedy
    return Scores(log_probabilities_N, greedy_N, counts_S, cut)


def _scored(model: LanguageModel, trees: list[TokenTree], device: Device) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-probability of each asked token of all trees (R,), and whether it is the most likely."""
    lengths = [len(tree.ids_N) for tree in trees]
    longest, starts = max(lengths), np.cumsum([0, *lengths[:-1]])
    seen_BTT = torch.zeros(len(trees), longest, longest, dtype=torch.bool)
    seen_BTT[:, :, 0] = True  # padding attends to something, too: a softmax over nothing is not a number
    for seen_TT, tree in zip(seen_BTT, trees, strict=True):
        seen_TT[: len(tree.ids_N), : len(tree.ids_N)] = torch.from_numpy(tree.seen_NN)
    real_BT = np.arange(longest) < np.array(lengths)[:, None]
    index_M = None if real_BT.all() else torch.from_numpy(np.flatnonzero(real_BT))
    batch = PaddedBatch(tuple(range(len(trees))), tuple(lengths), longest, index_M, seen_BTT)
    positions_N = torch.from_numpy(np.concatenate([tree.positions_N for tree in trees]))
    layout = Layout(positions_N, (batch,)).to(device.name)
    ids_N = torch.from_numpy(np.concatenate([tree.ids_N for tree in trees])).to(device.name)
    with device.autocast():
        h_NC = model.hidden(ids_N, layout=layout)
    predicting_R = np.concatenate([start + tree.predicting_R for start, tree in zip(starts, trees, strict=True)])
    targets_R = np.concatenate([tree.targets_R for tree in trees])
    return _of_targets(model, h_NC, predicting_R, targets_R)


def _of_targets(
    model: LanguageModel, h_NC: torch.Tensor, predicting_R: np.ndarray, targets_R: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of targets, with the logits of each predicting state computed once."""
    states, state_R = np.unique(predicting_R, return_inverse=True)
    order = np.argsort(state_R, kind="stable")
    scores, greedy = np.zeros(len(order), np.float32), np.zeros(len(order), bool)
    for first in range(0, len(states), ROWS_AT_ONCE):
        some = torch.from_numpy(states[first : first + ROWS_AT_ONCE]).to(h_NC.device)
        z_UV = model.logits(h_NC[some].float())
        lo, hi = np.searchsorted(state_R[order], [first, first + ROWS_AT_ONCE])
        own = order[lo:hi]
        rows, targets = (torch.from_numpy(x).to(h_NC.device) for x in (state_R[own] - first, targets_R[own]))
        logs, best = next_token(z_UV, targets, rows)
        scores[own], greedy[own] = logs.cpu().numpy(), best.cpu().numpy()
    return scores, greedy
