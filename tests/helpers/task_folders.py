"""A task's rows with their ids in one folder, for tests of what reads both."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pretrace.tasks.rows.dataset import TaskData, write_rows
from pretrace.tasks.rows.encoded import encode_rows


class AnyEncoder:
    """An encoder without special tokens, from a function."""

    first_id = separator_id = recipe = None

    def __init__(self, encode: Callable[[str], np.ndarray]) -> None:
        self.encode_array = encode

    def prepare(self, text: str) -> str:
        """The text as it is."""
        return text


def write_task(folder: Path, task: TaskData, encode: Callable[[str], np.ndarray]) -> None:
    """Write the rows of a task, and in the same folder their ids."""
    write_rows(folder, task)
    ids = folder.with_name(f"{folder.name}-ids")
    encode_rows(folder, AnyEncoder(encode), "words", ids)
    for path in ids.iterdir():
        shutil.move(path, folder / path.name)
    ids.rmdir()
