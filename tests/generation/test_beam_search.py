"""Beam search finds the hypotheses of a plain loop that reads every beam anew."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.generation import Limits, Prompt, beam_search, generate
from pretrace.settings.models.generation import GenerationSettings
from tests.helpers.bigram_model import Bigrams, Words
from tests.helpers.decoding import Anew, Letters, plain_search, small_gpt


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.data())
def test_search_is_that_of_a_plain_loop(data: st.DataObject) -> None:
    """In batches of any size, up to the context and past it, whatever ends a text."""
    model = small_gpt(data.draw(st.integers(0, 9)), context=12, initial_std=0.35)
    prompts = [Prompt([1, *ids]) for ids in data.draw(st.lists(st.lists(st.integers(2, 27), max_size=7), max_size=4))]
    form = GenerationSettings(
        tokens=data.draw(st.integers(1, 8)),
        beams=data.draw(st.integers(2, 4)),
        length_penalty=data.draw(st.sampled_from([0.0, 0.6, 2.0])),
        end_of_document=data.draw(st.booleans()),
        stop=["e", "bq"],
    )
    found = beam_search(model, Letters(), prompts, form, Limits(texts=data.draw(st.integers(1, 12))))
    assert len(found) == len(prompts)
    for several, prompt in zip(found, prompts, strict=True):
        expected = plain_search(model, prompt.ids, form)
        assert [one.ids for one in several] == [ids for ids, _ in expected]
        assert [one.score for one in several] == pytest.approx([score for _, score in expected], abs=1e-3)


def test_search_finds_a_text_that_greedy_choice_misses() -> None:
    vocabulary = Words("a b c d e")
    after = {"a": {"b": 0.5, "c": 0.4}, "b": {"d": 0.3, "e": 0.3}, "c": {"e": 0.95}}
    model = Bigrams(vocabulary, after)
    prompt = [Prompt([1, *vocabulary.encode("a")])]
    greedy = generate(model, vocabulary, prompt, GenerationSettings(tokens=2, temperature=0.0))
    form: dict[str, Any] = {"tokens": 2, "beams": 2}
    best = generate(model, vocabulary, prompt, GenerationSettings(**form))
    assert greedy[0].text.startswith(" b") and best[0].text == " c e"
    assert best[0].score == pytest.approx(math.log(0.4 * 0.95), abs=1e-4)
    assert sum(best[0].log_probabilities) == pytest.approx(best[0].score, abs=1e-4)
    several = beam_search(model, vocabulary, prompt, GenerationSettings(tokens=1, beams=6))
    assert len(several[0]) == 6  # of seven tokens one is never written


def test_more_beams_than_tokens() -> None:
    vocabulary = Words("a b")
    model = Bigrams(vocabulary, {"a": {"b": 0.9}})
    found = beam_search(model, vocabulary, [Prompt([1, 2])], GenerationSettings(tokens=2, beams=8))
    assert len(found[0]) == 8 and len({tuple(one.ids) for one in found[0]}) == 8
    assert len(beam_search(Anew(model), vocabulary, [Prompt([1, 2])], GenerationSettings(tokens=1, beams=8))[0]) == 3
