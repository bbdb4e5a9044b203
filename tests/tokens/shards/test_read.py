"""Shards are read across files, and checked when they are opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pretrace.common.errors import PretraceError
from pretrace.tokens.shards import open_shards


def test_read_crosses_files(folder: Path) -> None:
    shards = open_shards(folder, "train")
    whole = shards.read(0, shards.tokens)
    assert whole.dtype == np.int64
    for start in range(0, shards.tokens, 7):
        for length in (0, 1, 150):
            if start + length <= shards.tokens:
                assert shards.read(start, length).tolist() == whole[start : start + length].tolist()
    for start, length in ((-1, 2), (shards.tokens, 1), (shards.tokens - 3, 4)):
        with pytest.raises(IndexError):
            shards.read(start, length)


@pytest.mark.parametrize("name", ["train-00001.bin", "train-documents.bin"])
def test_open_refuses_damaged_files_by_name(folder: Path, name: str) -> None:
    path = folder / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(PretraceError, match=f"{name}: damaged"):
        open_shards(folder, "train")
    path.write_bytes(content[:-2])
    with pytest.raises(PretraceError, match=f"{name}: {len(content) - 2} bytes instead of {len(content)}"):
        open_shards(folder, "train")
    path.unlink()
    with pytest.raises(PretraceError, match=f"{name}: missing"):
        open_shards(folder, "train")
    open_shards(folder, "validation")


def test_open_refuses_another_vocabulary_or_split(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match="another vocabulary"):
        open_shards(folder, "train", "0" * 64)
    with pytest.raises(PretraceError, match="no split 'test'; has train, validation"):
        open_shards(folder, "test")
    with pytest.raises(PretraceError, match=r"manifest.json: no such file"):
        open_shards(tmp_path, "train")
