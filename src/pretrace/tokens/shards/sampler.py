"""Sampler of pre-training batches: a pure function of seed and place in the training.

"Randomly sampled, contiguous sequences" (section 4.1 of the paper) are taken as sampling without replacement: an epoch
cuts the stream into windows, from an offset of its own, and visits each once. The sampler has no state, so a run can
resume at any step, and any number of ranks can each take a part of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.tokens.shards.read import Shards, TokenStream

ORDER, OFFSET = 0, 1
"""Purposes of an epoch's random numbers: each has its own range of the generator's counter."""
TO_UNIT = 2.0**-64
"""Brings a raw random number to the share, from 0 to 1, that it is of all."""

Order = Callable[[int, int, int], np.ndarray]
"""The order of an epoch's sequences, from the seed, the epoch and their number."""


def batch_sequences(shards: Shards, context: int, batch: range, seed: int, chosen: range | None = None) -> np.ndarray:
    """Return the sequences of a batch, or some of them: ids, int64, shape (sequences, context).

    The model predicts positions 1 to context - 1 of a sequence from those before. A batch may hold the end of one epoch
    and the start of the next.

    Args:
        batch: numbers of its sequences, counted from the first one of the training.
        chosen: numbers of sequences in the batch; None: all.

    Raises:
        PretraceError: an epoch has fewer sequences than one batch.
    """
    starts = batch_starts(shards, context, batch, seed)
    return np.stack(
        [shards.read(int(starts[number]), context) for number in (range(len(batch)) if chosen is None else chosen)]
    )


def share_of(batch: int, rank: int, world_size: int) -> range:
    """Return the numbers of the sequences of a batch that rank `rank` computes: every `world_size`-th."""
    return range(rank, batch, world_size)


def batch_starts(shards: Shards, context: int, batch: range, seed: int) -> np.ndarray:
    """Return the positions in the stream at which the sequences of `batch_sequences` begin: int64, shape (batch,)."""
    check_sequences(shards, context, batch, sequences_per_epoch(shards.tokens, context))
    return window_starts(shards.tokens, context, batch, seed, sequence_order)


def window_starts(tokens: int, context: int, batch: range, seed: int, order: Order) -> np.ndarray:
    """Return the positions of `batch_starts` in a stream of `tokens`, which has a sequence: int64, shape (batch,)."""
    count = sequences_per_epoch(tokens, context)
    starts = [
        _offset(seed, epoch, tokens, context) + windows * context
        for epoch, windows in batch_windows(batch, seed, count, order)
    ]
    return np.concatenate(starts)


def batch_windows(batch: range, seed: int, count: int, order: Order) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each epoch that a batch is from, with its windows in it: numbers from 0 to count - 1, in their order.

    Args:
        count: windows of an epoch.
        order: `sequence_order`, or one that remembers other epochs.
    """
    for epoch in range(batch.start // count, (batch.stop - 1) // count + 1):
        first, last = batch.start - epoch * count, batch.stop - epoch * count
        yield epoch, order(seed, epoch, count)[max(first, 0) : last]


def check_sequences(shards: TokenStream, context: int, batch: range, count: int) -> None:
    """Check that an epoch of `count` sequences has enough for a batch.

    Raises:
        PretraceError: it has fewer.
    """
    if count < len(batch):
        raise PretraceError(
            f"{shards.split}: {shards.tokens} tokens give {count} sequences of {context}, one batch needs {len(batch)};"
            " add text, or lower pretrain.batch_size or model.context in the scale file"
        )


def sequences_per_epoch(tokens: int, context: int) -> int:
    """Return the number of windows of `context` tokens that fit into the stream from any offset of an epoch."""
    return max((tokens - context + 1) // context, min(tokens // context, 1))


@lru_cache(maxsize=4)
def sequence_order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Return a permutation of 0 to count - 1, int64 and read-only, that depends on the arguments alone."""
    # The generator's raw numbers are fixed for good; numpy's own shuffling may change with a version.
    order = np.argsort(random_bits(seed, epoch, ORDER).random_raw(count), kind="stable")
    order.flags.writeable = False
    return order


def _offset(seed: int, epoch: int, tokens: int, context: int) -> int:
    """Return the position of an epoch's first window: it varies, so that texts are cut at different positions."""
    choices = min(context, tokens - sequences_per_epoch(tokens, context) * context + 1)
    return int(random_bits(seed, epoch, OFFSET).random_raw(1)[0] % choices)


def random_bits(seed: int, number: int, purpose: int) -> np.random.Philox:
    """Return the raw random numbers of a place in the training, such as an epoch: a pure function of the arguments.

    Args:
        purpose: a small number; each has its own range of the generator's counter.
    """
    key = np.array([seed % (1 << 64), number % (1 << 64)], np.uint64)
    return np.random.Philox(key=key, counter=np.array([0, 0, 0, purpose], np.uint64))
