"""Generation in batches: the same text for the same seed, whatever else is in the batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pretrace.common.errors import PretraceError
from pretrace.generation import Generation, Limits, Prompt, generate, prompt_of
from pretrace.model import LSTM
from pretrace.settings import LSTMSettings
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens import load_vocabulary
from tests.helpers.bigram_model import MadeUpModel
from tests.helpers.decoding import TRAINING_TEXT, Anew, Letters, small_gpt, trained_gpt
from tests.helpers.small_byte_vocabulary import write_byte_vocabulary

GREEDY = {"temperature": 0.0}
ONE = Limits(texts=1)


def texts_of(model: Any, prompts: list[str], seed: int = 0, limits: Limits | None = None, **form: Any) -> list[str]:
    asked = [prompt_of(Letters(), text, seed + number) for number, text in enumerate(prompts)]
    return [one.text for one in generate(model, Letters(), asked, GenerationSettings(**form), limits)]


class Alphabet(MadeUpModel):
    """Says that the next letter of the alphabet comes next, and likes the unknown token even better."""

    context = 6

    def __init__(self, sure: float) -> None:
        super().__init__()
        self.sure, self.token_embedding = torch.tensor(sure), nn.Embedding(28, 1)
        self.longest = 0

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        self.longest = max(self.longest, ids.shape[1])
        logits = torch.zeros(*ids.shape, 28)
        logits[..., 0] = 99.0
        following = torch.where(ids >= 27, 2, ids + 1)
        return logits + self.sure * nn.functional.one_hot(following, 28)


def test_temperature_zero_takes_the_most_likely() -> None:
    model = Alphabet(5.0)
    assert texts_of(model, ["wx", "a"], tokens=6, **GREEDY) == ["yzabcd", "bcdefg"]
    assert model.longest == 5  # the last place of a context is never trained to predict from


def test_text_depends_on_the_seed_alone() -> None:
    first, again, other = (texts_of(Alphabet(0.5), ["a"], seed, tokens=30)[0] for seed in (1, 1, 2))
    assert first == again != other
    assert "_" not in first
    assert texts_of(Alphabet(5.0), ["a"], 1, tokens=8, temperature=0.05) == ["bcdefghi"]


@pytest.mark.parametrize("form", [GREEDY, {"temperature": 0.8}])
def test_text_is_the_same_with_a_cache(form: dict[str, float]) -> None:
    """Up to the context and past it."""
    model = small_gpt()
    texts = [texts_of(one, ["abc", "z"], 2, tokens=30, **form) for one in (model, Anew(model))]
    assert texts[0] == texts[1]
    assert [len(text) for text in texts[0]] == [30, 30]


@pytest.fixture(scope="module")
def trained() -> Any:
    return trained_gpt()


@pytest.mark.slow
def test_trained_model_goes_on_as_it_has_read(trained: Any) -> None:
    assert texts_of(trained, ["thequickbr"], tokens=6, **GREEDY) == ["ownfox"]


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.data())
def test_batch_has_the_texts_of_one_at_a_time(trained: Any, data: st.DataObject) -> None:
    """Tokens, reasons and log-probabilities, whatever the order and the number of texts at once."""
    letters = TRAINING_TEXT.replace(" ", "")
    starts = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda ends: letters[ends[0] : ends[1]])
    prompts = [prompt_of(Letters(), text, n) for n, text in enumerate(data.draw(st.lists(starts, max_size=7)))]
    form = {"tokens": 12, "temperature": data.draw(st.sampled_from([0.0, 0.7, 1.5])), "stop": ["dog", "ox"]}
    sampling = GenerationSettings(**form, top_p=data.draw(st.sampled_from([0.8, 1.0])), end_of_document=True)
    alone = [generate(trained, Letters(), [one], sampling, log_probabilities=True)[0] for one in prompts]
    order = data.draw(st.permutations(range(len(prompts))))
    limits = Limits(texts=data.draw(st.integers(1, 8)))
    found = generate(trained, Letters(), [prompts[n] for n in order], sampling, limits, log_probabilities=True)
    assert found == [alone[n] for n in order]


def test_cache_has_a_bound() -> None:
    model, prompts = small_gpt(), [Prompt([1, n]) for n in range(9)]
    size, ten = model.decoder_bytes(12), GenerationSettings(tokens=10)
    assert Limits(cache_bytes=5 * size).slots(model, prompts, ten) == (5, 12)
    assert Limits(cache_bytes=5 * size).slots(model, prompts, ten, each=2) == (4, 12)
    assert Limits(cache_bytes=1).slots(model, prompts, ten, each=3) == (3, 12)
    assert Limits().slots(Alphabet(1.0), prompts, ten) == (9, 12)
    assert Limits().slots(model, [Prompt([1, 2], tokens=4), Prompt([1], tokens=6)], ten) == (2, 7)


@pytest.mark.parametrize("beams", [1, 3])
def test_prompt_may_have_a_length_of_its_own(beams: int) -> None:
    model, settings = small_gpt(), GenerationSettings(tokens=9, temperature=0.0, beams=beams)
    found = generate(model, Letters(), [Prompt([1, 5], tokens=3), Prompt([1, 5])], settings)
    assert [len(one.ids) for one in found] == [3, 9]
    assert found[0] == generate(model, Letters(), [Prompt([1, 5])], settings.model_copy(update={"tokens": 3}))[0]


def test_model_without_a_cache_writes_too() -> None:
    sizes = LSTMSettings(layers=1, width=12, embedding=8, dropout=0.0, initial_std=0.5)
    model = LSTM(sizes, Letters.size, 10)
    prompts = ["abc", "", "abcdefghijkl"]
    several = texts_of(model, prompts, 4, tokens=7)
    assert several == [texts_of(model, [text], 4 + n, tokens=7)[0] for n, text in enumerate(prompts)]


def test_log_probabilities_are_the_models() -> None:
    model = small_gpt()
    (one,) = generate(model, Letters(), [Prompt([1, 5, 6])], GenerationSettings(tokens=4), log_probabilities=True)
    with torch.no_grad():
        expected = torch.log_softmax(model(torch.tensor([[1, 5, 6, *one.ids]]))[0, 2:-1], -1)
    own = expected.gather(1, torch.tensor(one.ids)[:, None])[:, 0]
    torch.testing.assert_close(torch.tensor(one.log_probabilities), own, rtol=1e-4, atol=1e-4)


def test_bytes_are_continued_after_the_end_of_a_document(tmp_path: Path) -> None:
    vocabulary = load_vocabulary(write_byte_vocabulary(tmp_path))
    read: list[int] = []

    class Same(MadeUpModel):
        """Says that the token comes again that was read last."""

        context = 12

        def __init__(self) -> None:
            super().__init__()
            self.token_embedding = nn.Embedding(vocabulary.size, 1)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            read.append(int(ids[0, 0]))
            return 9.0 * nn.functional.one_hot(ids, vocabulary.size)

    form = GenerationSettings(tokens=3, temperature=0.0)
    (one,) = generate(Same(), vocabulary, [prompt_of(vocabulary, "The cat!")], form)
    assert one == Generation(one.ids, "!!!", "length", [])
    assert read[0] == vocabulary.document_end_id
    (one,) = generate(
        Same(), vocabulary, [prompt_of(vocabulary, "")], form.model_copy(update={"end_of_document": True})
    )
    assert one == Generation([vocabulary.document_end_id], "", "end", [])


def test_a_prompt_without_tokens_is_one_line() -> None:
    with pytest.raises(PretraceError, match="prompt 2: has no tokens"):
        generate(Alphabet(1.0), Letters(), [Prompt([1]), Prompt([])], GenerationSettings())
    assert generate(Alphabet(1.0), Letters(), [], GenerationSettings()) == []
    assert generate(Alphabet(1.0), Letters(), [], GenerationSettings(beams=2)) == []


def test_damaged_weights_are_one_line() -> None:
    with pytest.raises(PretraceError, match="logits are not finite"):
        generate(Alphabet(float("nan")), Letters(), [Prompt([1])], GenerationSettings())
