"""Generation with an encoder: the same logits and hypotheses as without a cache, whatever else is in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.generation import Limits, Prompt, beam_search, generate
from pretrace.model.encoder_decoder import EncoderDecoder, load_encoder_decoder, save_encoder_decoder
from pretrace.settings import ModelSettings
from pretrace.settings.models.generation import GenerationSettings
from tests.helpers.decoding import Letters, plain_search

SIZES = {"layers": 2, "width": 16, "heads": 4, "feed_forward": 32, "context": 40, "dropout": 0.1, "initial_std": 0.4}
FORM = {"embedding_dropout": "sum", "positions": "sinusoidal", "activation": "relu", "attention_bias": False}
SOURCES = st.lists(st.lists(st.integers(2, 27), max_size=36), max_size=5)


def small_pair(seed: int = 3, norm: str = "post") -> EncoderDecoder:
    """An encoder-decoder of random weights, with logits that spread."""
    return EncoderDecoder(ModelSettings(**SIZES, **FORM, norm=norm), Letters.size, seed).eval()


class PlainPair:
    """An encoder-decoder that reads a source and its target anew each time; the source ends in the first line end."""

    context = 10**6

    def __init__(self, model: EncoderDecoder) -> None:
        self.model = model

    def __call__(self, ids_1T: Tensor) -> Tensor:
        ids = ids_1T[0].tolist()
        end = ids.index(Letters.document_end_id) + 1
        logits_1TV: Tensor = self.model(ids_1T[:, :end], torch.tensor([end]), ids_1T[:, end - 1 :])
        return logits_1TV


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.data())
def test_search_is_that_of_a_plain_loop(data: st.DataObject) -> None:
    model = small_pair(data.draw(st.integers(0, 9)), data.draw(st.sampled_from(["post", "pre"])))
    prompts = [Prompt([*ids, 1]) for ids in data.draw(SOURCES)]
    form = GenerationSettings(
        tokens=data.draw(st.integers(1, 8)),
        beams=data.draw(st.integers(2, 4)),
        length_penalty=data.draw(st.sampled_from([0.0, 0.6, 2.0])),
        end_of_document=True,
    )
    found = beam_search(model, Letters(), prompts, form, Limits(texts=data.draw(st.integers(1, 12))))
    for several, prompt in zip(found, prompts, strict=True):
        expected = plain_search(PlainPair(model), prompt.ids, form)
        assert [one.ids for one in several] == [ids for ids, _ in expected]
        assert [one.score for one in several] == pytest.approx([score for _, score in expected], abs=1e-3)


@settings(max_examples=10, deadline=None)
@given(SOURCES, st.integers(1, 4))
def test_greedy_text_does_not_depend_on_the_others(sources: list[list[int]], texts: int) -> None:
    model, form = small_pair(), GenerationSettings(tokens=35, temperature=0.0, end_of_document=True)
    prompts = [Prompt([*ids, 1]) for ids in sources]
    alone = [generate(model, Letters(), [one], form, log_probabilities=True)[0] for one in prompts]
    assert generate(model, Letters(), prompts, form, Limits(texts=texts), log_probabilities=True) == alone


def test_logits_of_steps_are_those_of_the_whole_target() -> None:
    model, source, target = small_pair(), [5, 9, 2, 1], [7, 3, 3, 20, 11]
    decoder = model.decoder(2, 30)
    decoder.read([0], [[8, 8, 1]])
    found = [decoder.read([1], [source])[0], *(decoder.step([4, index])[1] for index in target)]
    whole_TV = PlainPair(model)(torch.tensor([[*source, *target]]))[0]
    assert torch.allclose(torch.stack(found), whole_TV, atol=1e-4)


@pytest.mark.parametrize(("source", "steps", "what"), [(41, 0, "source"), (3, 40, "target")])
def test_text_beyond_the_context_is_refused(source: int, steps: int, what: str) -> None:
    def write() -> None:
        decoder = small_pair().decoder(1, 100)
        decoder.read([0], [[2] * source])
        for _ in range(steps):
            decoder.step([3])

    with pytest.raises(PretraceError, match=f"the {what} has 41 tokens; this model has a context of 40"):
        write()


def test_saved_model_is_the_same(tmp_path: Path) -> None:
    model = small_pair(norm="pre")
    save_encoder_decoder(tmp_path, model)
    again = load_encoder_decoder(tmp_path)
    assert _values(again) == _values(model)
    assert again.describe() == model.describe()


def _values(model: EncoderDecoder) -> Sequence[object]:
    return [(name, p.tolist()) for name, p in model.named_parameters()]
