"""Parts of text as one sequence with special tokens; which parts, says pretrace.tasks.rows.kinds.

`delimiters` (GPT-1, paper, section 3.3): the three special tokens follow the vocabulary, the classifier reads the last.

    start text classify
    start first delimiter second classify

`segments` (BERT, section 3): the special tokens are the vocabulary's own, and a model with segments is told which text
a token is of. The classifier reads the first, or the last where tokens do not see those behind them.

    first_id text separator_id
    first_id first separator_id second separator_id

An example that is too long loses the end of its text, never a special token. Two parts share the space: the shorter
keeps what it needs up to a half, and the other gets the rest (ours; GPT-1's code gives each a half). A context is cut
for each of its choices separately.

Shapes: N examples, P parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SPECIAL_TOKENS = 3


@dataclass(frozen=True)
class InputFormat:
    """Special tokens around the texts of an example."""

    start: int
    delimiter: int
    """Between two texts."""
    classify: int
    """At the end."""
    context: int
    """Ids of a sequence, at most."""
    added_tokens: int
    """Rows that the model's token table gets for them, behind its own."""
    reads_first: bool = False
    """True if the classifier reads the state of the first token, in place of the last."""
    pools: bool = False
    """True if the state that the classifier reads goes through a pooler."""
    both_orders: bool = True
    """True if two texts whose order means nothing are read in both orders."""

    @classmethod
    def delimiters(cls, vocabulary_size: int, context: int) -> InputFormat:
        """Return GPT-1's format."""
        return cls(vocabulary_size, vocabulary_size + 1, vocabulary_size + 2, context, SPECIAL_TOKENS)

    @classmethod
    def segments(cls, first_id: int, separator_id: int, context: int, reads_first: bool) -> InputFormat:
        """Return BERT's format; `first_id` and `separator_id` are tokens of the vocabulary."""
        return cls(first_id, separator_id, separator_id, context, 0, reads_first, pools=True, both_orders=False)

    def join(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """Return one or two parts as a sequence of at most `context` ids, int64."""
        if len(parts) == 1:
            return np.concatenate([[self.start], parts[0][: self.context - 2], [self.classify]]).astype(np.int64)
        space = self.context - 3
        first, second = len(parts[0]), len(parts[1])
        if first + second > space:
            first, second = (
                min(first, max(space - second, space // 2)),
                min(second, max(space - first, space - space // 2)),
            )
        texts = parts[0][:first], parts[1][:second]
        return np.concatenate([[self.start], texts[0], [self.delimiter], texts[1], [self.classify]]).astype(np.int64)

    def segments_of(self, sequence: np.ndarray) -> np.ndarray:
        """Return the number of the text that each token is of, from 0; a token behind a text belongs to it."""
        behind = np.cumsum(sequence == self.delimiter)
        return np.concatenate([[0], behind[:-1]])


def is_truncated(lengths_NP: np.ndarray, context: int) -> np.ndarray:
    """Return which examples (N,) lose some of their text, given the number of ids of each of their parts."""
    if lengths_NP.shape[1] == 1:
        return lengths_NP[:, 0] > context - 2
    return lengths_NP[:, 0] + lengths_NP[:, 1:].max(1) > context - 3
