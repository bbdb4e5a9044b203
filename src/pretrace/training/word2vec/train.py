"""Training of word vectors: the same bytes for the same words, settings, seed and number of threads.

Shapes: V words, C width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from pretrace.common.errors import PretraceError
from pretrace.settings.models.word2vec import Word2VecSettings
from pretrace.tokens.shards.read import TokenStream
from pretrace.training.word2vec.update import Blocks, update
from pretrace.training.word2vec.windows import NOISE, Frequencies, blocks, draw

STRETCH = 1_000_000
"""Words of text that are drawn at once; a window does not reach from one stretch into the next."""
LAST_RATE = 1e-4
"""Share of the rate that is left at the end (released code)."""


class Trained(NamedTuple):
    """Vectors, and what they cost."""

    vectors_VC: np.ndarray
    """float32."""
    outputs_VC: np.ndarray
    """The table that they were trained against, which is of no use afterwards but to measure the loss."""
    updates: int
    pairs: int
    """Pairs of words that were read."""


@torch.no_grad()
def train_vectors(
    text: TokenStream,
    counts_V: np.ndarray,
    document_end: int,
    settings: Word2VecSettings,
    seed: int,
    show: Callable[[int], None] = lambda words: None,
) -> Trained:
    """Train a vector for each word; those of words with count 0 are zero.

    Args:
        text: word numbers of the training text, with `document_end` behind each document, or each line: no window
            reaches across it.
        counts_V: as `count_words` has them; a word with count 0 is not read.
        seed: of the start, of windows, of noise and of what is left out.
        show: called with the number of words that were read since the last call.

    Raises:
        PretraceError: there are no words, or a vector is not finite.
    """
    if not counts_V.sum():
        raise PretraceError("word2vec: no word of the vocabulary is in the text; is the corpus empty?")
    frequencies = Frequencies.of(counts_V, settings.sample)
    at_once = frequencies.blocks(counts_V)
    vectors_VC = torch.from_numpy(_start(len(counts_V), settings.width, seed))
    outputs_VC = torch.zeros_like(vectors_VC)
    total, done, updates, pairs = max(1, text.tokens * settings.epochs), 0, 0, 0
    for epoch in range(settings.epochs):
        for number, ids in enumerate(_stretches(text)):
            draws = np.random.Generator(np.random.Philox([seed, 1 + epoch, number]))
            drawn = draw(ids, document_end, frequencies, settings.window, draws)
            read = 0
            for centers_BT, contexts_BS, pairs_BST in blocks(drawn, settings.window, at_once):
                noise_BN = frequencies.noise(len(centers_BT) * NOISE, draws).reshape(-1, NOISE)
                share = (done + len(ids) * read / max(1, len(drawn.words_M))) / total
                rate = settings.lr * max(LAST_RATE, 1 - share)
                step = Blocks(
                    torch.from_numpy(centers_BT),
                    torch.from_numpy(contexts_BS),
                    torch.from_numpy(pairs_BST.astype(np.float32)),
                    torch.from_numpy(noise_BN),
                )
                update(vectors_VC, outputs_VC, step, settings.negatives, rate)
                read += centers_BT.size
                updates, pairs = updates + 1, pairs + int(pairs_BST.sum())
            done += len(ids)
            show(len(ids))
    if not torch.isfinite(vectors_VC).all():
        raise PretraceError(f"word2vec: vectors that are not finite; lr: got {settings.lr:g}; a lower one helps")
    vectors_VC[torch.from_numpy(counts_V == 0)] = 0.0
    return Trained(vectors_VC.numpy(), outputs_VC.numpy(), updates, pairs)


def _start(words: int, width: int, seed: int) -> np.ndarray:
    """Return random vectors, uniform between -0.5 / width and 0.5 / width (released code)."""
    draws = np.random.Generator(np.random.Philox([seed, 0, 0]))
    return (draws.random((words, width), np.float32) - 0.5) / width


def count_words(text: TokenStream, words: int, without: Sequence[int]) -> np.ndarray:
    """Return the occurrences of each word (V,); 0 for those in `without`, which are no words.

    Args:
        words: V.
        without: numbers such as those of the end of a document, and of all words that the vocabulary lacks.
    """
    counts_V = np.zeros(words, np.int64)
    for ids in _stretches(text):
        counts_V += np.bincount(ids, minlength=words)
    counts_V[list(without)] = 0
    return counts_V


def _stretches(text: TokenStream) -> Iterator[np.ndarray]:
    """Yield pieces of the text of at most `STRETCH` words."""
    for first in range(0, text.tokens, STRETCH):
        yield text.read(first, min(STRETCH, text.tokens - first))
