"""A vocabulary with roles, and language models of a few thousand weights, to align within a second."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import torch

from pretrace.corpus import Document, write_documents
from pretrace.model import save_model
from pretrace.model.language_model import LanguageModel
from pretrace.model.transformer import Transformer
from pretrace.settings import ModelSettings
from pretrace.settings.alignment.load import AssistantSettings
from pretrace.tokens import load_vocabulary, train_vocabulary
from pretrace.tokens.shards import write_shards
from pretrace.tokens.vocabulary import Vocabulary
from pretrace.training.alignment.stages.project import Project
from pretrace.training.alignment.text.conversation import Rendered, continuation
from pretrace.training.engine.device import Device
from tests.helpers.small_training import SCALE, make_shards

CPU = Device("cpu", torch.float32, "test")
CONTEXT = 64


@cache
def small_folder() -> Path:
    """A folder with clean text, shards and a vocabulary of 80 tokens."""
    folder = Path(mkdtemp(prefix="alignment-"))
    make_shards(folder)
    return folder


def small_vocabulary() -> Vocabulary:
    return load_vocabulary(small_folder() / "vocabulary")


def small_model(size: int = 80, seed: int = 0, dropout: float = 0.0) -> LanguageModel:
    """A transformer with random weights."""
    sizes = {**SCALE["model"], "context": CONTEXT, "dropout": dropout, "initial_std": 0.2}
    return Transformer(ModelSettings.model_validate(sizes), size, seed)


def made_texts(count: int, prompt: int = 4, answer: int = 6, seed: int = 0) -> list[Rendered]:
    """Random prompts with answers of one to `answer` tokens."""
    draw = np.random.default_rng(seed)
    return [
        continuation(draw.integers(2, 80, prompt).tolist(), draw.integers(2, 80, draw.integers(1, answer + 1)).tolist())
        for _ in range(count)
    ]


def make_assistant_project(folder: Path, **changes: Any) -> Project:
    """A folder with what the first pipeline writes, of two sources with words of their own, and the settings.

    Args:
        changes: sections of the settings, in place of the small ones.
    """
    draw = np.random.default_rng(0)
    words = ["".join(draw.choice(list("abcdefghij"), 4)) for _ in range(40)]
    for split, count in (("train", 30), ("validation", 6), ("probes", 40)):
        documents = []
        for number in range(count):
            own, source = words[:28] if number % 2 else words[12:], "ab"[number % 2]
            documents.append(Document(f"{split}{number}", source, " ".join(draw.choice(own, 60))))
        write_documents(folder / "data" / "clean" / split, documents)
    counts = folder / "counts.tsv"
    counts.write_text("".join(f"{word}\t{50}\n" for word in sorted(set(words))))
    vocabulary = folder / "models" / "vocabulary" / "gpt1"
    train_vocabulary(counts, vocabulary, 80)
    write_shards(folder / "data" / "clean", load_vocabulary(vocabulary), folder / "data" / "shards" / "gpt1")
    out = folder / "models" / "pretrained" / "gpt1" / "transformer"
    out.mkdir(parents=True)
    save_model(out, small_model())
    small: dict[str, Any] = {
        "system": "gpt1",
        "seeds": [1],
        "prompts": {"tokens": 4, "every": 10, "train": 24, "test": 12, "answer_tokens": 6},
        "gold": {"least_count": 2},
        "comparisons": {"answers": 3},
        "sft": {"lr": 0.01, "batch_size": 8},
        "reward": {"lr": 0.01, "batch_size": 8, "calibration": 30},
        "ppo": {
            **{"updates": 2, "episodes": 8, "minibatches": 2, "lr": 0.001, "value_lr": 0.001, "checkpoint_every": 1},
            "kl": {"coefficient": 0.1},
        },
        "dpo": {"lr": 0.001, "batch_size": 8},
        "arms": {
            "ppo": {"method": "ppo", "mix": 1.0},
            "ppo_gold": {"method": "ppo", "reward": "gold"},
            "shuffled": {"method": "ppo", "reward": "shuffled"},
            "dpo": {"method": "dpo"},
            "rejection": {"method": "rejection", "best_of": 2},
            "demonstrations": {"method": "demonstrations"},
        },
        "measure": {"answers": 2, "pool": 4, "best_of": [1, 2, 4], "samples": 2},
    }
    return Project(AssistantSettings.model_validate(small | changes), "transformer", folder)
