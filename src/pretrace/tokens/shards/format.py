"""What the writer and the readers of shards agree on."""

from __future__ import annotations

import numpy as np

MANIFEST = "manifest.json"
OFFSET = np.dtype("<u8")
"""Of where a document begins, counted in ids."""
