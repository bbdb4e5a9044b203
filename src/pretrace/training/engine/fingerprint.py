"""Name a training run by the hash of all that its result depends on."""

from __future__ import annotations

from typing import Any

import torch

from pretrace.common.files import sha256_of_json


def fingerprint(**parts: Any) -> str:
    """Return the name of a training run: the hash of its settings, data, vocabulary and code, and torch's version.

    The code is that of `pretrace.common.code.code_hash` for the module that trains. So training is split: what decides
    the weights is in modules of its own, and a long run is not lost to an edit of the progress line.
    """
    return sha256_of_json({**parts, "torch": torch.__version__.split("+")[0]})
