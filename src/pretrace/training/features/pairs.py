"""Input of a classifier from the texts of an example: one vector, or a pair of vectors compared.

Shapes: E examples, P parts of each, S vectors an example (1; a choice each), D width of a text's vector, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pretrace.tasks.rows.kinds import TaskKind


def pair_features(vectors_EPD: Tensor, symmetric: bool) -> Tensor:
    """Return the features (E, S, F): of one text its vector u, of a pair [u; v; |u - v|; u * v].

    With more than two parts, of each pair of the first with another: a choice is a pair with its context.

    Args:
        symmetric: the order of the two means nothing: their sum stands for u and v.
    """
    if vectors_EPD.shape[1] == 1:
        return vectors_EPD
    u_E1D, v_ESD = vectors_EPD[:, :1], vectors_EPD[:, 1:]
    u_ESD = u_E1D.expand_as(v_ESD)
    first = [u_ESD + v_ESD] if symmetric else [u_ESD, v_ESD]
    return torch.cat([*first, (u_ESD - v_ESD).abs(), u_ESD * v_ESD], 2)


def pair_width(width: int, kind: TaskKind) -> int:
    """Return F, given the width of a text's vector."""
    return width if kind.texts == 1 else (3 if kind.symmetric else 4) * width
