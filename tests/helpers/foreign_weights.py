"""Weights in OpenAI's layout and in Hugging Face's, random, and how reading them is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import OpenAIGPTConfig

from pretrace.common.errors import PretraceError
from pretrace.model import Transformer, load_model

LAYERS, WIDTH, CONTEXT, SIZE = 2, 128, 16, 61
CONFIG = OpenAIGPTConfig(vocab_size=SIZE, n_positions=CONTEXT, n_embd=WIDTH, n_layer=LAYERS, n_head=2)
IDS = torch.randint(SIZE, (2, CONTEXT), generator=torch.Generator().manual_seed(0))


def written(folder: Path, write: Callable[[Path, Transformer], None], model: Transformer) -> Path:
    folder.mkdir()
    write(folder, model)
    return folder


class Opened:
    """Loading its pickle makes a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


def refused(folder: Path, *expected: str) -> None:
    with pytest.raises(PretraceError) as error:
        load_model(folder)
    text = str(error.value)
    assert "\n" not in text
    for part in (str(folder), *expected):
        assert part in text


def cut(folder: Path, name: str, share: float) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(share * len(content))])


def saved(value: Any) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / "params_3.npy", value)
