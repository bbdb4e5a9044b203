"""The KV cache gives the logits of reading all of the text again."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pretrace.model import Transformer
from pretrace.model.kv_cache import CachedTransformer
from pretrace.settings import ModelSettings
from pretrace.training.engine.generate import generate


class Letters:
    """A vocabulary of letters: unknown 0, line end 1, then a to z."""

    size, document_end_id, unknown_id = 28, 1, 0

    def encode(self, text: str) -> list[int]:
        return [ord(letter) - 95 for letter in text if letter.isalpha()]

    def decode(self, ids: list[int]) -> str:
        return "".join("\n" if i == 1 else chr(i + 95) for i in ids)


def gpt(context: int = 16) -> Transformer:
    settings = ModelSettings(
        **{"layers": 2, "width": 16, "heads": 4, "feed_forward": 32, "context": context},
        **{"dropout": 0.1, "embedding_dropout": "table", "initial_std": 0.5},
    )
    return Transformer(settings, Letters.size, seed=3)


@pytest.mark.slow
@given(st.lists(st.integers(0, 27), min_size=1, max_size=40), st.data())
@torch.no_grad()
def test_cache_has_the_logits_of_reading_all_again(ids: list[int], data: st.DataObject) -> None:
    """However many tokens come at a time, up to the context and past it, where the text slides."""
    model = gpt()
    cached = CachedTransformer(model)
    ends = sorted(data.draw(st.sets(st.integers(1, len(ids)), min_size=1)))
    for end in ends:
        anew = model(torch.tensor([ids[:end][-15:]]))[0, -1]
        torch.testing.assert_close(cached.logits(ids[:end]), anew, rtol=1e-4, atol=1e-3)


def test_cache_reads_each_token_once_within_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    model, read = gpt(64), []
    embedded = model.embedded
    monkeypatch.setattr(model, "embedded", lambda ids, first: read.append(len(ids)) or embedded(ids, first=first))
    generate(model, Letters(), "abcde", 30, seed=0, temperature=0)
    assert read == [6] + 29 * [1]
