"""The order in which pre-training sees the data: a pure function of seed and step.

"Randomly sampled, contiguous sequences" (section 4.1 of the paper) are read as sampling without replacement: an epoch
cuts the stream into windows, from a start of its own, and visits each once. Nothing is kept between steps, so a run
can go on at any step, and any number of processes can each take a part of a batch.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.tokens.shards.read import Shards

ORDER, OFFSET = 0, 1
"""Which random numbers of an epoch are meant: each has its own stretch of the generator's counter."""


def batch_sequences(
    shards: Shards, context: int, batch: int, seed: int, step: int, rank: int = 0, processes: int = 1
) -> np.ndarray:
    """The sequences of update `step` (from 0), or of a process's share of it: ids, int64, shape (sequences, context).

    The model predicts places 1 to context - 1 of a row from the ones before. A batch may hold the end of one epoch and
    the start of the next.

    Raises:
        PretraceError: an epoch has fewer sequences than one batch.
    """
    starts = batch_starts(shards, context, batch, seed, step)
    return np.stack([shards.read(int(starts[number]), context) for number in share_of(batch, rank, processes)])


def share_of(batch: int, rank: int, processes: int) -> range:
    """Which sequences of a batch are those of process `rank`: every `processes`-th."""
    return range(rank, batch, processes)


def batch_starts(shards: Shards, context: int, batch: int, seed: int, step: int) -> np.ndarray:
    """Where the sequences of `batch_sequences` begin in the stream: int64, shape (batch,)."""
    count = sequences_per_epoch(shards.tokens, context)
    if count < batch:
        raise PretraceError(
            f"{shards.split}: {shards.tokens} tokens give {count} sequences of {context}, one batch takes {batch}; "
            "add text, or lower pretrain.batch_size or model.context in the scale file"
        )
    starts = []
    for epoch in range(step * batch // count, ((step + 1) * batch - 1) // count + 1):
        first, last = step * batch - epoch * count, (step + 1) * batch - epoch * count
        windows = sequence_order(seed, epoch, count)[max(first, 0) : last]
        starts.append(_offset(seed, epoch, shards.tokens, context) + windows * context)
    return np.concatenate(starts)


def sequences_per_epoch(tokens: int, context: int) -> int:
    """Windows of `context` tokens that fit into the stream from any of an epoch's possible starts."""
    return max((tokens - context + 1) // context, min(tokens // context, 1))


@lru_cache(maxsize=4)
def sequence_order(seed: int, epoch: int, count: int) -> np.ndarray:
    """A permutation of 0 to count - 1, int64, that depends on the arguments alone. Not to be written to."""
    # The generator's raw numbers are fixed for ever; numpy's own shuffling of them may change with a version.
    order = np.argsort(_random(seed, epoch, ORDER, count), kind="stable")
    order.flags.writeable = False
    return order


def _offset(seed: int, epoch: int, tokens: int, context: int) -> int:
    """Where the first window of an epoch begins, so that texts are not cut at the same places every time."""
    choices = min(context, tokens - sequences_per_epoch(tokens, context) * context + 1)
    return int(_random(seed, epoch, OFFSET, 1)[0] % choices)


def _random(seed: int, epoch: int, purpose: int, count: int) -> np.ndarray:
    key = np.array([seed % (1 << 64), epoch], np.uint64)
    return np.random.Philox(key=key, counter=np.array([0, 0, 0, purpose], np.uint64)).random_raw(count)
