"""The size of a micro-batch, where the settings leave it open."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pretrace.settings import ModelSettings
from pretrace.training.engine.micro_batch import (
    STATE_BYTES,
    bytes_per_sequence,
    estimate_micro_batch,
    largest_fitting,
    memory_per_process,
)
from tests.helpers.small_training import settings_with

GPT1 = {"layers": 12, "width": 768, "heads": 12, "feed_forward": 3072, "context": 512}


@given(st.integers(1, 512), st.integers(1, 10**9), st.integers(0, 10**10), st.integers(1, 10**12))
def test_estimated_micro_batch_fits_or_is_one(share: int, a_sequence: int, parameters: int, memory: int) -> None:
    chosen = estimate_micro_batch(share, a_sequence, parameters, memory)
    left = (memory - STATE_BYTES * parameters) / 2
    assert 1 <= chosen <= share
    assert chosen == 1 or chosen * a_sequence <= left
    assert chosen == share or (chosen + 1) * a_sequence > left


def test_bytes_per_sequence_of_gpt1_and_of_a_small_model() -> None:
    model = ModelSettings(**GPT1, dropout=0.1, embedding_dropout="table", initial_std=0.02)
    large = bytes_per_sequence(model, 512, 40478)
    assert 0.5e9 < large < 1.5e9
    assert estimate_micro_batch(64, large, 117_000_000, 24 << 30) < 16
    scale = settings_with().scale
    for small in (scale.model, scale.lstm):
        assert bytes_per_sequence(small, 16, 80) < 1e6


def test_memory_per_process_is_a_share_of_the_machine() -> None:
    assert memory_per_process("cpu", 4) == memory_per_process("cpu", 1) // 4
    assert 1e8 < memory_per_process("cpu", 1) < 1e15


def test_largest_fitting_micro_batch_by_halving() -> None:
    tried = []

    def trial(sequences: int) -> None:
        tried.append(sequences)
        if sequences > 7:
            raise torch.OutOfMemoryError

    assert largest_fitting(60, trial) == 7
    assert tried == [60, 30, 15, 7]

    def never(sequences: int) -> None:
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        largest_fitting(4, never)
