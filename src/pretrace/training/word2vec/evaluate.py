"""The loss of word vectors on a text: of skip-gram with negative sampling, in nats a pair.

It is comparable with no loss of a language model, and with another one of word vectors only where vocabulary, window
and noise are the same.

Shapes: V words, C width.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import logsigmoid

from pretrace.settings.models.word2vec import Word2VecSettings
from pretrace.tokens.shards.read import TokenStream
from pretrace.training.word2vec.train import STRETCH, Trained
from pretrace.training.word2vec.windows import MOST_BLOCKS, NOISE, Frequencies, blocks, draw

SEED = 0
"""Of windows and noise, so that every model is measured on the same pairs."""


@torch.no_grad()
def pair_loss(
    trained: Trained, text: TokenStream, counts_V: np.ndarray, document_end: int, settings: Word2VecSettings
) -> float:
    """Return the mean loss over the pairs of a text, of its first million words; 0 where there are no pairs.

    All occurrences of words are read. Each pair has `negatives` noise words, whose loss is the mean over a block's.

    Args:
        counts_V: occurrences of words in the training text, which give the probabilities of noise.
    """
    vectors_VC, outputs_VC = torch.from_numpy(trained.vectors_VC), torch.from_numpy(trained.outputs_VC)
    frequencies = Frequencies.of(counts_V, 0.0)
    draws = np.random.Generator(np.random.Philox(SEED))
    drawn = draw(text.read(0, min(STRETCH, text.tokens)), document_end, frequencies, settings.window, draws)
    total, pairs = 0.0, 0
    for centers_BT, contexts_BS, pairs_BST in blocks(drawn, settings.window, MOST_BLOCKS):
        noise_BN = frequencies.noise(len(centers_BT) * NOISE, draws).reshape(-1, NOISE)
        x_BSC, y_BTC = vectors_VC[torch.from_numpy(contexts_BS)], outputs_VC[torch.from_numpy(centers_BT)]
        right_BST = -logsigmoid(x_BSC @ y_BTC.mT)
        wrong_BS = -logsigmoid(-x_BSC @ outputs_VC[torch.from_numpy(noise_BN)].mT).mean(2)
        chosen_BST = torch.from_numpy(pairs_BST)
        of_pairs_BST = right_BST + settings.negatives * wrong_BS[:, :, None]
        total += float(of_pairs_BST[chosen_BST].double().sum())
        pairs += int(pairs_BST.sum())
    return total / max(1, pairs)
