"""The key-value cache gives the logits of reading all again, and to the bit the same ones whatever else is in it."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pretrace.model.kv_cache import AT_ONCE, CachedDecoder, cache_bytes
from tests.helpers.decoding import Anew, Letters, one_by_one, small_gpt

FORMS: dict[str, dict[str, Any]] = {
    "gpt1": {},
    "gpt2": {"norm": "pre", "embedding_dropout": "sum"},
    "banded": {"attention": "banded", "window": 5, "norm": "pre", "embedding_dropout": "sum"},
    "2017": {"positions": "sinusoidal", "embedding_dropout": "sum", "embedding_scale": "sqrt_width"},
    "bert's output": {"output": "transform", "embedding_norm": True, "embedding_dropout": "sum"},
    "odd sizes": {"width": 20, "heads": 5, "feed_forward": 36, "context": 75},
}
TEXTS = st.lists(st.lists(st.integers(0, 27), min_size=1, max_size=80), min_size=1, max_size=6)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 27), min_size=1, max_size=40), st.data())
def test_cache_has_the_logits_of_reading_all_again(ids: list[int], data: st.DataObject) -> None:
    """However long the prompt is, up to the context and past it, where the text slides."""
    model = small_gpt()
    first = data.draw(st.integers(1, len(ids)))
    with torch.no_grad():
        anew = torch.stack([model(torch.tensor([ids[:end][-15:]]))[0, -1] for end in range(first, len(ids) + 1)])
    torch.testing.assert_close(one_by_one(model, ids, first), anew, rtol=1e-4, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=4, deadline=None)
@given(texts=TEXTS, shared=st.integers(0, 60), seed=st.integers(0, 99))
def test_logits_do_not_depend_on_the_batch(form: str, texts: list[list[int]], shared: int, seed: int) -> None:
    """Nor on slots, on what was in them, or on beginnings that were copied: to the bit."""
    model, generator = small_gpt(**{"context": 70} | FORMS[form]), random.Random(seed)
    beginning = [generator.randrange(28) for _ in range(shared)]
    texts = [(beginning if generator.random() < 0.6 else []) + text for text in texts]
    slots = generator.sample(range(len(texts)), len(texts))
    decoder = model.decoder(len(texts), 200)
    if generator.random() < 0.5:  # something else was there
        decoder.read(range(len(texts)), [[*beginning[:40], number] for number in range(len(texts))])
        decoder.step([3] * len(texts))
    found = [decoder.read(slots, texts)]
    for step in range(5):
        logits_SV = decoder.step([(step + slot) % 28 for slot in range(len(texts))])
        found.append(logits_SV[slots])
    for number, (slot, text) in enumerate(zip(slots, texts, strict=True)):
        grown = [*text, *((step + slot) % 28 for step in range(5))]
        alone = one_by_one(model, grown, len(text))
        assert torch.equal(torch.stack([logits[number] for logits in found]), alone)


def test_arranged_texts_go_on_as_they_would_have() -> None:
    model = small_gpt(context=64)
    texts = [[1, 2, 3], [1, 2, 3, 4, 5], list(range(27)), [5] * 62]
    decoder = model.decoder(6, 80)
    decoder.read(range(4), texts)
    decoder.step([7, 8, 9, 10])
    sources = [2, 2, 0, 3, 3, 1]
    decoder.arrange(sources)
    grown = [[*texts[source], 7 + source, number] for number, source in enumerate(sources)]
    logits_SV = decoder.step(range(6))
    decoder.arrange([4, 1])
    later_SV = decoder.step([11, 12])
    for slot, text in enumerate(grown):
        assert torch.equal(logits_SV[slot], one_by_one(model, text, len(text) - 2)[-1])
    for row_V, slot, added in zip(later_SV, (4, 1), (11, 12), strict=True):
        length = len(grown[slot])
        assert torch.equal(row_V, one_by_one(model, [*grown[slot], added], length - 2)[-1])
    assert decoder.texts == [[*grown[4], 11], [*grown[1], 12]]


def test_shared_beginnings_are_read_once() -> None:
    model = small_gpt(context=128)
    beginning = [number % 28 for number in range(50)]
    texts = [[*beginning, 3, number] for number in range(6)] + [[*beginning, 4], beginning]
    decoder = model.decoder(8, 60)
    assert isinstance(decoder, CachedDecoder)
    decoder.read(range(8), texts)
    # `beginning` comes first in order and is whole; its last token is read in each of the others no more
    assert decoder.tokens_read == 50 + 2 + 5 * 1 + 1
    decoder.read([2], [[*beginning, 9, 9]])
    assert decoder.tokens_read == 58 + 2


def test_long_texts_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_gpt(context=700)
    text = [number * number % 28 for number in range(600)]
    rows: list[int] = []
    decoder = model.decoder(3, 700)
    embedded = model.embedded

    def counted(ids: Tensor, **rest: Any) -> Tensor:
        rows.append(len(ids))
        return embedded(ids, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(model, "embedded", counted)
        logits_NV = decoder.read(range(3), [text, text[:300], text[5:]])
    assert max(rows) <= AT_ONCE and all(number % 16 == 0 for number in rows)
    with torch.no_grad():
        anew = torch.stack([model(torch.tensor([one]))[0, -1] for one in (text, text[:300], text[5:])])
    torch.testing.assert_close(logits_NV, anew, rtol=1e-3, atol=1e-2)


def test_bytes_of_the_cache_are_as_computed() -> None:
    model = small_gpt(context=100)
    for positions in (1, 40, 1000):
        decoder = model.decoder(3, positions)
        assert isinstance(decoder, CachedDecoder)
        assert decoder._cache.numel() * 4 == 3 * cache_bytes(model, positions) == 3 * model.decoder_bytes(positions)


def test_without_a_cache_the_last_tokens_are_read_anew() -> None:
    model = small_gpt()
    plain = Anew(model)
    ids = [number % 28 for number in range(24)]
    torch.testing.assert_close(one_by_one(plain, ids, 5), one_by_one(model, ids, 5), rtol=1e-4, atol=1e-3)
    assert plain.decoder_bytes(100) == 0 and Letters.size == model.vocabulary_size
