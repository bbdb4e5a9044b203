"""ELMo's language model against PyTorch's bidirectional LSTM, and what each direction may see."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pretrace.model.elmo import Elmo, turned
from pretrace.settings.models.elmo import ElmoSettings

SIZES = ElmoSettings(layers=2, width=12, embedding=5, dropout=0.0, initial_std=0.3)
V = 30


def ids(rows: int = 3, length: int = 7) -> torch.Tensor:
    return torch.randint(V, (rows, length), generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_one_layer_is_pytorchs_bidirectional_lstm_to_the_bit() -> None:
    model = Elmo(SIZES.model_copy(update={"layers": 1}), V, 9, 1)
    both = nn.LSTM(5, 12, batch_first=True, bidirectional=True, proj_size=5)
    for stack, ending in ((model.forward_stack, ""), (model.backward_stack, "_reverse")):
        for name, parameter in stack.layers[0].named_parameters():
            getattr(both, name + ending).copy_(parameter)
    x_BTE = model.token_embedding(ids())
    embeddings, states = model.layer_states(ids())
    assert torch.equal(embeddings, torch.cat([x_BTE, x_BTE], 2))
    assert torch.equal(states, both(x_BTE)[0])


@torch.no_grad()
def test_second_layer_adds_to_the_first_one_direction_at_a_time() -> None:
    model = Elmo(SIZES, V, 9, 1)
    _, first, second = model.layer_states(ids())
    forward, backward = first.split(5, 2)
    h_forward = model.forward_stack.layers[1](forward)[0]
    h_backward = model.backward_stack.layers[1](backward.flip(1))[0].flip(1)
    torch.testing.assert_close(second, torch.cat([forward + h_forward, backward + h_backward], 2))


@torch.no_grad()
def test_directions_never_see_each_other() -> None:
    """A token changes the forward states from its own place on, and the backward ones up to it; in every layer."""
    model, one, other = Elmo(SIZES, V, 9, 1), ids(), ids()
    other[:, 3] = (other[:, 3] + 1) % V
    for a, b in zip([*model.layer_states(one)][1:], [*model.layer_states(other)][1:], strict=True):
        differs = (a != b).any(2).all(0), (a[:, :, :5] != b[:, :, :5]).any(2), (a[:, :, 5:] != b[:, :, 5:]).any(2)
        assert differs[0].tolist() == [True] * 7
        assert differs[1].any(0).tolist() == [False] * 3 + [True] * 4
        assert differs[2].any(0).tolist() == [True] * 4 + [False] * 3


@torch.no_grad()
def test_padding_changes_no_state() -> None:
    model, read = Elmo(SIZES, V, 9, 1), ids(2, 4)
    padded = torch.cat([read, ids(2, 3)], 1)
    alone = [*model.layer_states(read)]
    for wanted, found in zip(alone, model.layer_states(padded, torch.tensor([4, 4])), strict=True):
        torch.testing.assert_close(found[:, :4], wanted)


@torch.no_grad()
def test_each_direction_predicts_what_it_has_not_read() -> None:
    """The states that predict a token are the same whatever that token is."""
    model, one = Elmo(SIZES, V, 9, 1), ids()
    for place in range(7):
        other = one.clone()
        other[:, place] = (other[:, place] + 1) % V
        for first, (a, b) in enumerate(zip(model.predicting_states(one), model.predicting_states(other), strict=True)):
            row = place - 1 if first == 0 else place  # forward: token 1 on; backward: up to the last but one
            if 0 <= row < 6:
                assert torch.equal(a[:, row], b[:, row])


def test_same_seed_same_weights_and_forget_gates_are_open() -> None:
    one, again, other = (Elmo(SIZES, V, 9, seed) for seed in (1, 1, 2))
    weights = [torch.cat([p.detach().reshape(-1) for p in model.parameters()]) for model in (one, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    layer = one.backward_stack.layers[1]
    assert layer.bias_ih_l0[12:24].tolist() == [1.0] * 12
    assert layer.bias_ih_l0[:12].tolist() == layer.bias_hh_l0[:12].tolist() == [0.0] * 12


def test_sequences_are_turned_within_their_lengths() -> None:
    x = torch.arange(8.0).view(2, 4, 1)
    assert turned(x, torch.tensor([3, 4]))[:, :, 0].tolist() == [[2, 1, 0, 3], [7, 6, 5, 4]]
    assert torch.equal(turned(x, None), x.flip(1))


def test_units_that_are_not_more_than_their_projection_are_refused() -> None:
    with pytest.raises(ValueError, match="takes less than the width, 12"):
        ElmoSettings(layers=1, width=12, embedding=12, dropout=0.0, initial_std=0.1)
