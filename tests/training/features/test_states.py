"""States of texts in a batch against those of each text alone, without padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from pretrace.model import LSTM, LanguageModel, Transformer
from pretrace.model.elmo import Elmo
from pretrace.settings import LSTMSettings, ModelSettings
from pretrace.settings.models.elmo import ElmoSettings
from pretrace.training.engine.device import Device
from pretrace.training.features.states import ModelStates, StateReader
from pretrace.training.features.word_states import WordStates

CPU = Device("cpu", torch.float32, "")
CONTEXT = 12


def model_of(kind: str) -> LanguageModel:
    if kind == "elmo":
        own = ElmoSettings(layers=2, width=12, embedding=5, dropout=0.0, initial_std=0.3)
        return Elmo(own, 50, CONTEXT, 7).eval()
    if kind == "lstm":
        sizes = LSTMSettings(layers=1, width=16, embedding=8, dropout=0.0, initial_std=0.3)
        return LSTM(sizes, 50, CONTEXT, 7).eval()
    forms: dict[str, Any] = {"bert": {"attention": "full", "segments": 2}, "xl": {"positions": "relative"}}
    more = forms.get(kind, {})
    sizes = {"layers": 2, "width": 16, "heads": 2, "feed_forward": 32, "context": CONTEXT, "dropout": 0.0}
    settings = ModelSettings.model_validate({**sizes, "embedding_dropout": "sum", "initial_std": 0.3, **more})
    return Transformer(settings, 50, 7).eval()


def texts(*lengths: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(4, 50, length).astype(np.uint16) for length in lengths]


@torch.no_grad()
def all_states(reader: StateReader, read: list[np.ndarray], tokens: int = 8192) -> dict[int, np.ndarray]:
    """The states of the tokens that count, (L, T, C) for each text."""
    found = {}
    for chosen, layers, own_BT in reader.read(read, tokens):
        states = torch.stack(list(layers)).numpy()
        found |= {int(number): states[:, row, own_BT[row].bool().numpy()] for row, number in enumerate(chosen)}
    return found


@pytest.mark.parametrize("special", [(), (1, 2)])
@pytest.mark.parametrize("kind", ["gpt1", "bert", "lstm", "elmo", "xl"])
@torch.no_grad()
def test_states_are_those_of_each_text_alone(kind: str, special: tuple[int, ...]) -> None:
    model, read = model_of(kind), texts(5, 1, 10, 0, 30, 3)
    found = all_states(ModelStates(model, CPU, *special), read)
    assert sorted(found) == list(range(6))
    before, behind = special or (None, None)
    for number, text in enumerate(read):
        own = text[: CONTEXT - len(special)].tolist()
        if not own:
            assert found[number].shape[1] == 0
            continue
        ids = [*([before] if special else []), *own, *([behind] if special else [])]
        alone = model.hidden(torch.tensor([ids]))[0].numpy()
        wanted = alone[1:-1] if special else alone
        np.testing.assert_allclose(found[number][-1], wanted, atol=1e-5)


@pytest.mark.parametrize("kind", ["gpt1", "bert", "lstm", "elmo", "xl"])
def test_neighbors_in_a_batch_do_not_matter(kind: str) -> None:
    reader, read = ModelStates(model_of(kind), CPU), texts(3, 9, 4, 1, 9, 2)
    together, alone = all_states(reader, read), all_states(reader, read, 1)
    for number, states in together.items():
        np.testing.assert_allclose(states, alone[number], atol=1e-5)


def test_transformer_has_its_embeddings_and_every_block() -> None:
    reader = ModelStates(model_of("gpt1"), CPU)
    assert (reader.layers, reader.width) == (3, 16)
    assert all_states(reader, texts(4))[0].shape == (3, 4, 16)
    both = ModelStates(model_of("elmo"), CPU)
    assert (both.layers, both.width) == (3, 10)
    assert reader.flops(np.array([4, 400])) == reader.flops(np.array([4, CONTEXT])) > 0


def test_words_without_a_vector_are_left_out() -> None:
    vectors = np.array([[0, 0], [0, 0], [1, 2], [3, 4]], np.float32)
    reader = WordStates(vectors)
    read = [np.array(ids, np.uint16) for ids in ([2, 1, 3, 0], [1, 1], [], [3, 3, 3])]
    found = all_states(reader, read)
    assert [found[number][0].tolist() for number in range(4)] == [[[1, 2], [3, 4]], [], [], [[3, 4]] * 3]
    assert (reader.layers, reader.width, reader.flops(np.array([9]))) == (1, 2, 0)
