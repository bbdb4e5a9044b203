"""A text as rows that are read in order, a segment of each in a step (Transformer-XL: Dai et al. 2019, section 3.2).

An epoch cuts the stream into as many equal stretches as a batch has rows, and reads them side by side. As in the
released code, a row goes on across the borders of documents, and what is left at its end is not read. The stream is a
circle that each epoch cuts at a place of its own, so that rows begin elsewhere (ours): a pure function of the seed.
"""

from __future__ import annotations

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.tokens.shards.read import Shards
from pretrace.tokens.shards.sampler import OFFSET, random_bits


class Streams:
    """The rows of a training.

    Args:
        rows: of a batch.
        segment: tokens that a step predicts of a row.

    Raises:
        PretraceError: a row has less than a segment, or the text is a mix of sources.
    """

    def __init__(self, shards: Shards, rows: int, segment: int, seed: int) -> None:
        if shards.mix:
            raise PretraceError(
                "params.yaml: corpus.mix: sources by weight are drawn sequence by sequence, and a model with memory "
                "reads one text in order; leave corpus.mix empty for it"
            )
        self._shards, self._rows, self._segment, self._seed = shards, rows, segment, seed
        self.steps = (shards.tokens - 1) // rows // segment
        """Steps of an epoch."""
        if not self.steps:
            raise PretraceError(
                f"{shards.split}: {shards.tokens} tokens are too few for {rows} rows of {segment} and one more; add "
                "text, or lower pretrain.batch_size or model.context in the scale file"
            )

    def continues(self, step: int) -> bool:
        """Return whether the rows of a step (from 0) go on where those of the step before end."""
        return step % self.steps > 0

    def starts(self, step: int) -> np.ndarray:
        """Return the position in the stream of the first token of each row, int64."""
        epoch, place = divmod(step, self.steps)
        offset = int(random_bits(self._seed, epoch, OFFSET).random_raw(1)[0] % self._shards.tokens)
        stretch = self._shards.tokens // self._rows
        return (offset + np.arange(self._rows) * stretch + place * self._segment) % self._shards.tokens

    def read(self, step: int, rows: range) -> np.ndarray:
        """Return the ids of some rows, int64: a segment, and one token that is only predicted."""
        starts = self.starts(step)
        return np.stack([self._around(int(starts[row]), self._segment + 1) for row in rows])

    def documents(self, step: int) -> list[int]:
        """Return the numbers (from 0, in the order of the stream) of the documents in a step's segments."""
        borders = self._shards.document_starts()
        places = (self.starts(step)[:, None] + np.arange(self._segment + 1)) % self._shards.tokens
        return np.unique(np.searchsorted(borders, places.reshape(-1), side="right") - 1).tolist()

    def _around(self, start: int, length: int) -> np.ndarray:
        """Return ids from `start` on; behind the last token comes the first."""
        first = min(length, self._shards.tokens - start)
        return np.concatenate([self._shards.read(start, first), self._shards.read(0, length - first)])
