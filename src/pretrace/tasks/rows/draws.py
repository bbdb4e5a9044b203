"""Random draws that are a pure function of names, the same in every process and on every machine."""

from __future__ import annotations

import hashlib

import numpy as np


def generator_for(*names: str) -> np.random.Generator:
    """Return a random generator that is a pure function of names, such as a probe's and a split's."""
    return np.random.Generator(np.random.Philox(key=int(hash_name("\0".join(names))[:16], 16)))


def hash_name(name: str) -> str:
    """Return the SHA-256 of a name, as lower-case hex."""
    return hashlib.sha256(name.encode()).hexdigest()
