"""Folders of small models with random weights, and a real server over them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretrace.model import Transformer
from pretrace.model.checkpoints.load import save_model
from pretrace.settings import ModelSettings
from pretrace.tokens import load_vocabulary
from tests.helpers import REPOSITORY
from tests.helpers.small_byte_vocabulary import write_byte_vocabulary
from tests.helpers.small_vocabulary import write_openai_vocabulary

SIZES: dict[str, Any] = {"layers": 2, "width": 16, "heads": 2, "feed_forward": 64, "dropout": 0.0, "initial_std": 0.4}
SIZES["embedding_dropout"] = "sum"


def write_model(folder: Path, vocabulary: str = "bytes", context: int = 64, seed: int = 1) -> Path:
    """A transformer with the vocabulary of bytes, or of GPT-1's form."""
    write = {"bytes": write_byte_vocabulary, "gpt1": write_openai_vocabulary}[vocabulary]
    size = load_vocabulary(write(folder / "vocabulary")).size
    save_model(folder, Transformer(ModelSettings(**SIZES, context=context), size, seed))
    return folder


@dataclass
class Served:
    """A server that runs."""

    process: subprocess.Popen[str]
    url: str
    port: int


@contextlib.contextmanager
def served(models: Sequence[Path | str], *options: str, folder: Path) -> Iterator[Served]:
    """A server in a process of its own, which is stopped at the end."""
    command = [sys.executable, "-m", "pretrace.cli", "serve", *map(str, models), "--port", "0", *options]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"http://\S+:(\d+)", line)
        assert found, line + process.stderr.read()
        yield Served(process, found[0], int(found[1]))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        process.stderr.close()
