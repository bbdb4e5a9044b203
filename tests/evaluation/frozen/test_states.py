"""Mean states against an average by hand of the model's own hidden states."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pretrace.evaluation.frozen.states import mean_states
from pretrace.model import Transformer
from pretrace.settings import ModelSettings
from pretrace.training.engine.device import Device
from pretrace.training.features.states import layer_states

pytestmark = pytest.mark.slow

SIZES = ModelSettings(
    layers=2, width=16, heads=2, feed_forward=32, context=12, dropout=0.0, embedding_dropout="sum", initial_std=0.3
)
CPU = Device("cpu", torch.float32, "")
NEWLINE = 3
MODEL = Transformer(SIZES, 50, 7).eval()


def texts(*lengths: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(4, 50, length).astype(np.uint16) for length in lengths]


@torch.no_grad()
def by_hand(text: np.ndarray, layers: int) -> np.ndarray:
    """The mean of the hidden states of a model with so many layers, of one text, without padding."""
    short = Transformer(SIZES, 50, 7).eval()
    short.blocks = short.blocks[:layers]
    ids = torch.tensor([[NEWLINE, *text.tolist()][: SIZES.context]])
    states = short.hidden(ids)[0].numpy()
    return states[1:].mean(0) if len(text) else states[0]


def test_mean_is_over_the_hidden_states_of_the_texts_own_tokens() -> None:
    read = texts(5, 1, 11, 0, 30)  # one fills the context, one is empty, one is cut
    found = mean_states(MODEL, read, NEWLINE, [0, 1, 2], CPU)
    for text, means_LC in zip(read, found, strict=True):
        for layer in range(3):
            np.testing.assert_allclose(means_LC[layer], by_hand(text, layer), atol=1e-5)


def test_last_layer_is_what_the_model_calls_hidden() -> None:
    ids = torch.tensor([[3, 8, 9, 10]])
    *_, last = layer_states(MODEL, ids, CPU)
    assert torch.equal(last, MODEL.hidden(ids))


def test_padding_is_not_seen_where_attention_is_full() -> None:
    model = Transformer(SIZES.model_copy(update={"attention": "full"}), 50, 7).eval()
    read = texts(3, 9, 4, 1)
    together = mean_states(model, read, NEWLINE, [1, 2], CPU)
    alone = np.concatenate([mean_states(model, [text], NEWLINE, [1, 2], CPU) for text in read])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("tokens", [1, 20, 10_000])
def test_neighbors_in_a_batch_do_not_matter(tokens: int) -> None:
    read = texts(3, 9, 4, 1, 9, 2)
    together = mean_states(MODEL, read, NEWLINE, [0, 2], CPU, tokens)
    alone = np.concatenate([mean_states(MODEL, [text], NEWLINE, [0, 2], CPU) for text in read])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_some_layers_are_those_of_all() -> None:
    read = texts(3, 9)
    every = mean_states(MODEL, read, NEWLINE, [0, 1, 2], CPU)
    np.testing.assert_array_equal(mean_states(MODEL, read, NEWLINE, [1], CPU)[:, 0], every[:, 1])
