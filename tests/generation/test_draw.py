"""The distribution that a token is drawn from is that of transformers' warpers, and the draws are torch's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from pretrace.generation.draw import draw, likely
from pretrace.settings.models.generation import GenerationSettings


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize("top_k", [1, 5, 40, None])
@pytest.mark.parametrize("top_p", [1e-9, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_probabilities_are_those_of_transformers(temperature: float, top_k: int | None, top_p: float) -> None:
    logits_NV = 3 * torch.randn(7, 60, generator=torch.Generator().manual_seed(1))
    warpers: list[Any] = [TemperatureLogitsWarper(temperature)]
    warpers += [TopKLogitsWarper(top_k)] if top_k else []
    warpers += [TopPLogitsWarper(top_p)] if top_p < 1 else []
    expected_NV = torch.softmax(LogitsProcessorList(warpers)(torch.zeros(7, 0), logits_NV), -1)
    weights_NK, ids_NK = likely(logits_NV, GenerationSettings(temperature=temperature, top_k=top_k, top_p=top_p))
    own_NV = torch.zeros(7, 60).scatter(1, ids_NK, weights_NK / weights_NK.sum(-1, keepdim=True))
    torch.testing.assert_close(own_NV, expected_NV)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=5), st.sampled_from([None, 1, 7]), st.integers(0, 99))
def test_each_text_has_the_draws_of_multinomial(seeds: list[int], top_k: int | None, seed: int) -> None:
    logits_NV = torch.randn(len(seeds), 30, generator=torch.Generator().manual_seed(seed))
    form = GenerationSettings(top_k=top_k, top_p=0.9)
    together, alone = generators(*seeds), generators(*seeds)
    for _ in range(3):
        expected = []
        for logits_V, generator in zip(logits_NV, alone, strict=True):
            weights, ids = likely(logits_V[None], form)
            expected.append(int(ids[0, torch.multinomial(weights[0], 1, generator=generator)]))
        assert draw(logits_NV, together, form) == expected


def test_frequencies_are_the_probabilities() -> None:
    logits_NV = torch.tensor([2.0, 1.0, 0.0, -50.0]).log_softmax(0).expand(20_000, 4)
    found = draw(logits_NV, generators(*range(20_000)), GenerationSettings(temperature=1.0, top_k=None))
    shares = torch.bincount(torch.tensor(found), minlength=4) / 20_000
    torch.testing.assert_close(shares, logits_NV[0].exp(), rtol=0, atol=0.012)
