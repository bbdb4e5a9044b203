"""A task of sorting letters, and learners so small that they learn it in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pretrace.sequences.rows import SequenceData, SequenceRow, write_rows
from pretrace.settings import Scale, Settings
from pretrace.settings.learners.learner import Learner
from pretrace.settings.system import SystemAtScale
from tests.helpers.small_training import settings_with

FORM = {"positions": "sinusoidal", "activation": "relu", "attention_bias": False, "embedding_scale": "sqrt_width"}
SEQUENCE: dict[str, Any] = {
    **{"steps": 24, "batch_tokens": 128, "lr": 0.01, "warmup_steps": 8, "dropout": 0.1, "checkpoint_every": 6},
    **{"averaged": 2, "beams": 2, "length_penalty": 0.6, "more_tokens": 4},
}


def letters(count: int, seed: int = 0) -> list[SequenceRow]:
    """Rows of letters, and the same letters in order."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        chosen = random.choice(list("abcdefgh"), int(random.integers(2, 6)))
        rows.append(SequenceRow(" ".join(chosen), (" ".join(sorted(chosen)),), origin=f"letters.csv:{number + 1}"))
    return rows


def write_letters(folder: Path, count: int = 60, **splits: list[SequenceRow]) -> Path:
    """Write the rows of the task; return its folder."""
    rows = {"train": letters(count), "dev": letters(8, 1), "test": letters(10, 2)} | splits
    write_rows(folder, SequenceData(rows), ["bleu", "exact"])
    return folder


def settings_of_learners(
    sequence: dict[str, Any] | None = None, seeds: tuple[int, ...] = (1,), **model: Any
) -> Settings:
    """Settings with a learner of each form: `transformer`, an encoder-decoder, and `gpt`, a decoder."""
    section = SEQUENCE | (sequence or {})
    sizes = {"vocabulary": {"size": 262, "kind": "byte_bpe"}, "sequence": section}
    sizes |= {f"model.{name}": value for name, value in ({"context": 32} | model).items()}
    decoder = settings_with(sizes, seeds=list(seeds))
    values = decoder.scale.model_dump(exclude_unset=True)
    pair = Scale.model_validate(values | {"kind": "encoder_decoder", "model": values["model"] | FORM})
    systems = {
        "gpt": SystemAtScale(source="ours", scale=decoder.scale),
        "pair": SystemAtScale(source="ours", scale=pair),
    }
    learners = {"transformer": Learner(system="pair"), "gpt": Learner(system="gpt")}
    return decoder.model_copy(update={"learners": learners, "learner_systems": systems})
