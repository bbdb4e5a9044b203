"""One update of skip-gram with negative sampling, of many blocks of text at once.

The loss of a pair, context word j and center word i, with noise words n (Mikolov et al. 2013b, equation 4):

    -log sigmoid(x_j . y_i) - sum_n log sigmoid(-x_j . y_n)

with x from the table of vectors and y from that of outputs; the code has the words of the window predict the center, as
the released code does. All pairs of a block share their noise words (as in Ji et al. 2016, section 3), each with the
share of the `negatives` of every pair that it stands for, so that an update is three small matrix products where the
released code has a loop. A noise word that is the center counts nothing, as in the released code.

Shapes: B blocks, T centers, S contexts, N noise words, C width, V words.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Blocks(NamedTuple):
    """Blocks of text, by word numbers."""

    centers_BT: Tensor
    contexts_BS: Tensor
    pairs_BST: Tensor
    """1 where a context predicts a center, else 0."""
    noise_BN: Tensor
    """Noise words."""


def update(vectors_VC: Tensor, outputs_VC: Tensor, blocks: Blocks, negatives: int, rate: float) -> None:
    """Make a step of gradient descent in place, on the summed loss of all pairs.

    Args:
        negatives: noise words that a pair has; each of the N stands for negatives / N of them.
        rate: learning rate.
    """
    x_BSC, y_BTC = _rows(vectors_VC, blocks.contexts_BS), _rows(outputs_VC, blocks.centers_BT)
    noise_BNC = _rows(outputs_VC, blocks.noise_BN)
    right_BST = torch.bmm(x_BSC, y_BTC.mT).neg_().sigmoid_().mul_(blocks.pairs_BST).mul_(rate)  # 1 - sigmoid(x . y)
    differ_BTN = (blocks.centers_BT[:, :, None] != blocks.noise_BN[:, None]).to(x_BSC.dtype)
    weight_BSN = torch.bmm(blocks.pairs_BST, differ_BTN).mul_(-rate * negatives / noise_BNC.shape[1])
    wrong_BSN = torch.bmm(x_BSC, noise_BNC.mT).sigmoid_().mul_(weight_BSN)
    _add(outputs_VC, blocks.centers_BT, torch.bmm(right_BST.mT, x_BSC))
    _add(outputs_VC, blocks.noise_BN, torch.bmm(wrong_BSN.mT, x_BSC))
    _add(vectors_VC, blocks.contexts_BS, torch.bmm(right_BST, y_BTC).baddbmm_(wrong_BSN, noise_BNC))


def _rows(table_VC: Tensor, words_BN: Tensor) -> Tensor:
    """Return the rows of words (B, N, C); several times as fast as by an index."""
    return table_VC.index_select(0, words_BN.reshape(-1)).view(*words_BN.shape, -1)


def _add(table_VC: Tensor, words_BN: Tensor, change_BNC: Tensor) -> None:
    """Add to the rows of words; twice as fast as `index_add_`."""
    C = table_VC.shape[1]
    table_VC.scatter_add_(0, words_BN.reshape(-1, 1).expand(-1, C), change_BNC.reshape(-1, C))
