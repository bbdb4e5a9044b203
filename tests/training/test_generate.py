"""Generated text and curves: the same for the same seed, and in the form that is plotted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pretrace.model import GPT
from pretrace.model.kv_cache import CachedGPT
from pretrace.settings import ModelSettings
from pretrace.training.engine.curves import write_curve
from pretrace.training.engine.generate import PROMPTS, generate, samples


class Letters:
    """A vocabulary of letters: unknown 0, line end 1, then a to z."""

    size, newline_id, unknown_id = 28, 1, 0

    def encode(self, text: str) -> list[int]:
        return [ord(letter) - 95 for letter in text if letter.isalpha()]

    def decode(self, ids: list[int]) -> str:
        return "".join("\n" if i == 1 else chr(i + 95) for i in ids)


class Alphabet(nn.Module):
    """Says that the next letter of the alphabet comes next, and likes the unknown piece even better."""

    context = 6

    def __init__(self, sure: float) -> None:
        super().__init__()
        self.sure = nn.Parameter(torch.tensor(sure))
        self.longest = 0

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        self.longest = max(self.longest, ids.shape[1])
        logits = torch.zeros(*ids.shape, 28)
        logits[..., 0] = 99.0
        following = torch.where(ids >= 27, 2, ids + 1)
        return logits + self.sure * nn.functional.one_hot(following, 28)


def test_the_most_likely_text() -> None:
    model = Alphabet(5.0)
    assert generate(model, Letters(), "wx", 6, seed=0, temperature=0) == "wxyzabcd"
    assert model.longest == 5  # the last place of a context is never trained to predict from


def test_drawn_text_is_a_function_of_the_seed_and_never_unknown() -> None:
    torch.manual_seed(0)
    texts = [generate(Alphabet(0.5), Letters(), "a", 30, seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert "_" not in "".join(texts)
    assert generate(Alphabet(5.0), Letters(), "a", 8, seed=1, temperature=0.05) == "abcdefghi"


def gpt(context: int = 16) -> GPT:
    settings = ModelSettings(
        **{"layers": 2, "width": 16, "heads": 4, "feed_forward": 32, "context": context},
        **{"dropout": 0.1, "embedding_dropout": "table", "initial_std": 0.5},
    )
    return GPT(settings, Letters.size, seed=3)


@given(st.lists(st.integers(0, 27), min_size=1, max_size=40), st.data())
@torch.no_grad()
def test_what_is_kept_gives_the_logits_of_reading_anew(ids: list[int], data: st.DataObject) -> None:
    """However many tokens come at a time, up to the context and past it, where the text slides."""
    model = gpt()
    cached = CachedGPT(model)
    ends = sorted(data.draw(st.sets(st.integers(1, len(ids)), min_size=1)))
    for end in ends:
        anew = model(torch.tensor([ids[:end][-15:]]))[0, -1]
        torch.testing.assert_close(cached.logits(ids[:end]), anew, rtol=1e-4, atol=1e-3)


def test_each_token_is_read_once_within_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    model, read = gpt(64), []
    embedded = CachedGPT._embedded
    monkeypatch.setattr(CachedGPT, "_embedded", lambda self, ids: read.append(len(ids)) or embedded(self, ids))
    generate(model, Letters(), "abcde", 30, seed=0, temperature=0)
    assert read == [6] + 29 * [1]


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_the_text_is_that_of_reading_anew(temperature: float) -> None:
    model = gpt()

    class Anew(nn.Module):
        context = model.context

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.model(ids)

    texts = [generate(m, Letters(), "abc", 40, seed=2, temperature=temperature) for m in (model, Anew())]
    assert texts[0] == texts[1]
    assert len(texts[0]) == 43


def test_samples_are_of_every_prompt() -> None:
    found = samples(Alphabet(1.0), Letters(), seed=4)
    assert [sample["prompt"] for sample in found] == list(PROMPTS)
    assert found == samples(Alphabet(1.0), Letters(), seed=4)


@pytest.mark.parametrize(("count", "kept"), [(3, 3), (499, 499), (2000, 500)])
def test_a_curve_has_its_form_and_some_five_hundred_rows(count: int, kept: int, tmp_path: Path) -> None:
    rows = [
        {"step": i, "lr": 0.1, "loss": 1 / i, **({"val_loss": 2.0} if i % 3 == 0 else {})} for i in range(1, count + 1)
    ]
    paths = write_curve(tmp_path, "transformer", rows, count)
    assert [path.name for path in paths] == ["transformer.json", "transformer-validation.json"]
    training, validation = (json.loads(path.read_text()) for path in paths)
    assert len(training) == kept
    assert all(list(row) == ["step", "loss", "lr"] for row in training)
    assert training[-1]["step"] == count
    assert validation == [{"step": i, "val_loss": 2.0} for i in range(3, count + 1, 3)]
    assert len(paths[0].read_text().splitlines()) == kept + 2  # one row a line, for git
