"""Tests of learning in context, on models whose answers are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pretrace.evaluation.log_likelihood import Scores
from pretrace.evaluation.prompts import in_context
from pretrace.evaluation.prompts.in_context import by_position, long_documents, measure_in_context, random_sequences
from pretrace.tokens import load_vocabulary
from pretrace.tokens.shards import open_shards
from pretrace.training.engine.device import Device
from tests.helpers.prompt_project import MODEL

CPU = Device("cpu", torch.float32, "")


class Stream:
    """Documents of known tokens."""

    split, tokens = "validation", 30
    ids = np.arange(30)

    def read(self, start: int, length: int) -> np.ndarray:
        return self.ids[start : start + length]

    def document_starts(self) -> np.ndarray:
        return np.array([0, 3, 13, 14, 30])


def test_long_documents_are_the_beginnings_of_those_that_are_long_enough() -> None:
    assert long_documents(Stream(), 10).tolist() == [[*range(3, 13)], [*range(14, 24)]]
    assert long_documents(Stream(), 11).tolist() == [[*range(14, 25)]]
    assert long_documents(Stream(), 17).shape == (0, 17)


def test_positions_are_in_ranges_that_double() -> None:
    losses_DT = np.stack([np.arange(1.0, 8.0), np.arange(1.0, 8.0) + 2])
    points = by_position(losses_DT)
    assert [(one.first, one.last, one.loss) for one in points] == [(1, 1, 2), (2, 2, 3), (3, 4, 4.5), (5, 7, 7)]
    assert points[0].stderr == pytest.approx(np.std([1, 3], ddof=1) / 2**0.5, abs=1e-6)


def test_model_that_copies_gains_all_and_one_without_memory_nothing(
    prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabulary = load_vocabulary(prompts / MODEL / "vocabulary")

    class Copies:
        context = 20

    def scores(first: float, second: float) -> Any:
        def of(_model: Any, questions: list[Any], _device: Device) -> Scores:
            length = len(questions[0].asked) // 2
            logs = np.tile(np.repeat([-first, -second], length), len(questions)).astype(np.float32)
            hits = np.tile(np.repeat([False, second == 0], length), len(questions))
            return Scores(logs, hits, np.array([2 * length] * len(questions)), 0)

        return of

    for second, gain, accuracy in ((0.0, 5.0, 1.0), (5.0, 0.0, 0.0)):
        monkeypatch.setattr(in_context, "score_questions", scores(5.0, second))
        twice = measure_in_context(0, Copies(), vocabulary, Stream(), CPU).repeated  # type: ignore[arg-type]
        assert (twice.gain, twice.second_accuracy, twice.length) == (gain, accuracy, 9)


def test_random_tokens_are_no_special_ones_and_fit_twice(prompts: Path) -> None:
    vocabulary = load_vocabulary(prompts / MODEL / "vocabulary")
    sequences = random_sequences(vocabulary, 48)
    assert {len(one) for one in sequences} == {23}
    drawn = np.concatenate(sequences)
    assert vocabulary.document_end_id not in drawn
    assert vocabulary.unknown_id not in drawn
    assert drawn.max() < vocabulary.size
    assert [one.tolist() for one in sequences] == [one.tolist() for one in random_sequences(vocabulary, 48)]


def test_shards_of_the_validation_text_are_such_a_stream(prompts: Path) -> None:
    stream = open_shards(prompts / "data/shards/gpt1", "validation")
    assert len(long_documents(stream, 40)) == 3
