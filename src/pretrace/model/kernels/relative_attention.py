"""Attention that sees how far back a key is, and no positions (Transformer-XL: Dai et al. 2019, section 3.3).

    score of a query and a key = ((q + u) k + (q + v) W r) / sqrt(D)

r is the vector of the distance between the two; u and v are a head's own and take the place of the query's position.
Keys may begin before the queries: those of memory. Written out, as PyTorch's kernels take no scores by distance.

Shapes: B batch, T queries, K keys (memory and the queries' own), H heads, D width of a head.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.model.kernels.dropout import Dropout, with_dropout


def relative_attention(
    q_BHTD: Tensor,
    k_BHKD: Tensor,
    v_BHKD: Tensor,
    r_HKD: Tensor,
    content_bias_HD: Tensor,
    distance_bias_HD: Tensor,
    dropout: Dropout | None = None,
) -> Tensor:
    """Return causal attention (B, H, T, D); the last key is that of the last query.

    Args:
        r_HKD: projected vectors of the distances K - 1 to 0, in this order.
        content_bias_HD: u.
        distance_bias_HD: v.
    """
    T, K, D = q_BHTD.shape[2], k_BHKD.shape[2], q_BHTD.shape[3]
    by_content_BHTK = ((q_BHTD + content_bias_HD[:, None]) * D**-0.5) @ k_BHKD.transpose(-2, -1)
    by_distance_BHTK = ((q_BHTD + distance_bias_HD[:, None]) * D**-0.5) @ r_HKD.transpose(-2, -1)
    behind_TK = torch.ones(T, K, dtype=torch.bool, device=q_BHTD.device).triu(K - T + 1)
    scores_BHTK = (by_content_BHTK + shifted(by_distance_BHTK)).masked_fill(behind_TK, -torch.inf)
    weights_BHTK = torch.softmax(scores_BHTK, -1, dtype=torch.float32).to(v_BHKD.dtype)
    return with_dropout(weights_BHTK, dropout) @ v_BHKD


def shifted(x_BHTK: Tensor) -> Tensor:
    """Return scores by key (B, H, T, K) of scores by distance, K - 1 to 0: each row one less to the left than the one
    above, which is what a table reads as if it had one more column (appendix B). What comes in on the right is of keys
    behind the query.
    """
    B, H, T, K = x_BHTK.shape
    return F.pad(x_BHTK, (1, 0)).view(B, H, K + 1, T)[:, :, 1:].reshape(B, H, T, K)
