"""File names and types that the writer and the readers of shards share."""

from __future__ import annotations

import numpy as np

MANIFEST = "manifest.json"
OFFSET = np.dtype("<u8")
"""Type of the offset, in tokens, at which a document begins."""
