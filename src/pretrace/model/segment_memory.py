"""Reading a text segment by segment, with memory of the segments before (Dai et al. 2019, section 3.2).

Memory is what each block read, of the last tokens before the segment. A block attends to the memory of its own input,
and that has seen memory below; so with L layers and memory of M tokens a state depends on up to L x M tokens before.

Shapes: L layers, B rows, T tokens of a segment, M tokens of memory, C width.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pretrace.model.kernels.dropout import Dropout
from pretrace.model.transformer import Transformer


def read_segment(
    model: Transformer, ids_BT: Tensor, memory_LBMC: Tensor | None, length: int, dropout: Dropout | None = None
) -> tuple[Tensor, Tensor]:
    """Return the hidden states (B, T, C) of a segment, and the memory after it, of at most `length` tokens.

    Args:
        model: with relative positions.
        memory_LBMC: of the same rows; None at the beginning of a text. Of any length.
    """
    known = 0 if memory_LBMC is None else memory_LBMC.shape[2]
    x_BTC = model.embedded(ids_BT, dropout)
    distances, run = model.distances(known + ids_BT.shape[1], dropout), model.block_runner
    read = []
    for number, block in enumerate(model.blocks):
        read.append(x_BTC.detach())
        x_BTC = run(block, x_BTC, dropout, None, None, *distances, None if memory_LBMC is None else memory_LBMC[number])
    new_LBTC = torch.stack(read)
    seen_LBKC = new_LBTC if memory_LBMC is None else torch.cat([memory_LBMC, new_LBTC], 2)
    return model.normed(x_BTC), seen_LBKC[:, :, max(0, known + ids_BT.shape[1] - length) :].contiguous()
