"""Parts of text as one sequence with special tokens (paper, section 3.3); which parts, says pretrace.tasks.kinds.

    start text classify
    start first delimiter second classify

The three special tokens follow the vocabulary: start = size, delimiter = size + 1, classify = size + 2.

An example that is too long loses the end of its text, never a special token. Two parts share the space: the shorter
keeps what it needs up to a half, and the other gets the rest (ours; the released code gives each a half). A context is
cut for each of its choices separately.

Shapes: N examples, P parts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SPECIAL_TOKENS = 3


def join_parts(parts: Sequence[np.ndarray], vocabulary_size: int, context: int) -> np.ndarray:
    """Return one or two parts as a sequence of at most `context` ids, int64."""
    start, delimiter, classify = range(vocabulary_size, vocabulary_size + SPECIAL_TOKENS)
    if len(parts) == 1:
        return np.concatenate([[start], parts[0][: context - 2], [classify]]).astype(np.int64)
    space = context - 3
    first, second = len(parts[0]), len(parts[1])
    if first + second > space:
        first, second = min(first, max(space - second, space // 2)), min(second, max(space - first, space - space // 2))
    return np.concatenate([[start], parts[0][:first], [delimiter], parts[1][:second], [classify]]).astype(np.int64)


def is_truncated(lengths_NP: np.ndarray, context: int) -> np.ndarray:
    """Return which examples (N,) lose some of their text, given the number of ids of each of their parts."""
    if lengths_NP.shape[1] == 1:
        return lengths_NP[:, 0] > context - 2
    return lengths_NP[:, 0] + lengths_NP[:, 1:].max(1) > context - 3
