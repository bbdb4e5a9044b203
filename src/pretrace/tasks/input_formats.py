"""The paper's input formats (section 3.3, figure 1): parts of text in, sequences of ids with special tokens out.

    classification    start text classify
    entailment        start premise delimiter hypothesis classify
    similarity        start first delimiter second classify, and the same with the two exchanged
    regression        as similarity
    multiple_choice   start context delimiter choice classify, one sequence a choice

The three special tokens follow the vocabulary: start = size, delimiter = size + 1, classify = size + 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SPECIAL_TOKENS = 3


def sequences_of(kind: str, parts: Sequence[np.ndarray], vocabulary_size: int, context: int) -> list[np.ndarray]:
    """The sequences of one example, each of at most `context` ids.

    Too long an example loses the end of its text, never a special token. Two parts share the room: the shorter one
    keeps what it needs up to a half, and the other gets the rest (ours; the released code gives each a half). A context
    is cut for each of its choices on its own.
    """
    if kind == "classification":
        return [_join(parts[:1], vocabulary_size, context)]
    if kind == "entailment":
        return [_join(parts, vocabulary_size, context)]
    if kind in ("similarity", "regression"):
        return [_join(parts, vocabulary_size, context), _join(parts[::-1], vocabulary_size, context)]
    return [_join((parts[0], choice), vocabulary_size, context) for choice in parts[1:]]


def is_cut(kind: str, lengths_NP: np.ndarray, context: int) -> np.ndarray:
    """Whether examples (N,) lose some of their text, given the ids of each of their parts (N, P)."""
    if kind == "classification":
        return lengths_NP[:, 0] > context - 2
    return lengths_NP[:, :1].ravel() + lengths_NP[:, 1:].max(1) > context - 3


def sequences_per_example(kind: str, parts: int) -> int:
    """How many sequences `sequences_of` gives for examples of so many parts."""
    return {"classification": 1, "entailment": 1, "similarity": 2, "regression": 2}.get(kind, parts - 1)


def _join(parts: Sequence[np.ndarray], vocabulary_size: int, context: int) -> np.ndarray:
    start, delimiter, classify = range(vocabulary_size, vocabulary_size + SPECIAL_TOKENS)
    if len(parts) == 1:
        return np.concatenate([[start], parts[0][: context - 2], [classify]]).astype(np.int64)
    room = context - 3
    first, second = len(parts[0]), len(parts[1])
    if first + second > room:
        first, second = min(first, max(room - second, room // 2)), min(second, max(room - first, room - room // 2))
    return np.concatenate([[start], parts[0][:first], [delimiter], parts[1][:second], [classify]]).astype(np.int64)
