"""Pipes, devices, holes and others at a name where a file is expected, and what readers say of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Odd(NamedTuple):
    """Something that is no whole regular file."""

    make: Callable[[Path], object]
    said: str


def make_sparse(path: Path, size: int = 40 << 30) -> None:
    path.touch()
    os.truncate(path, size)


ODD_FILES = {
    "pipe": Odd(os.mkfifo, "a pipe, not a regular file"),
    "folder": Odd(os.mkdir, "a folder, not a regular file"),
    "device": Odd(lambda path: path.symlink_to("/dev/zero"), "a device, not a regular file"),
    "sparse": Odd(make_sparse, ""),
}
"""A reader of a bounded size says of the sparse one that it is too large, others that it is all holes."""
