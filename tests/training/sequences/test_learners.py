"""The loss of both ways of learning, of their targets alone; and the prompts that they go on from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pretrace.model import Transformer
from pretrace.model.encoder_decoder import EncoderDecoder
from pretrace.settings import ModelSettings
from pretrace.training.sequences.learners import Learner, learner_of
from pretrace.training.sequences.pairs import Pair

SIZES = {"layers": 1, "width": 16, "heads": 2, "feed_forward": 32, "context": 16, "dropout": 0.1, "initial_std": 0.3}
SETTINGS = ModelSettings(**SIZES, embedding_dropout="sum")
MODELS = {"pair": EncoderDecoder, "alone": Transformer}
PAIRS = [Pair(np.array([3, 4, 5]), np.array([6, 7])), Pair(np.array([8]), np.array([9, 10, 11, 12]))]


def learner(name: str, longest: int = 0, **form: Any) -> Learner:
    model = MODELS[name](SETTINGS.model_copy(update=form), 20, 1).eval()
    return learner_of(model, 1, longest)


def losses_alone(one: Learner, pair: Pair) -> torch.Tensor:
    """The losses of a pair's targets, read without padding."""
    source, target = pair.source.tolist(), pair.target.tolist()
    if isinstance(one.model, EncoderDecoder):
        ids = torch.tensor([[*source, 1]])
        logits_TV = one.model(ids, torch.tensor([ids.shape[1]]), torch.tensor([[1, *target]]))[0]
    else:
        logits_TV = one.model(torch.tensor([[1, *source, 1, *target]]))[0, len(source) + 1 :]
    return F.cross_entropy(logits_TV, torch.tensor([*target, 1]), reduction="none")


@pytest.mark.parametrize("name", MODELS)
def test_loss_is_of_targets_and_their_ends(name: str) -> None:
    one = learner(name)
    expected = torch.cat([losses_alone(one, pair) for pair in PAIRS]).mean()
    assert float(one.loss(PAIRS, 0.0, None)) == pytest.approx(float(expected), rel=1e-4)
    assert one.predicted(PAIRS) == 8


def test_pairs_that_fit() -> None:
    pair, alone = learner("pair"), learner("alone")
    sizes = {(15, 15): (True, False), (16, 1): (False, False), (1, 16): (False, False), (7, 6): (True, True)}
    sizes[7, 7] = (True, False)
    for (source, target), expected in sizes.items():
        one = Pair(np.zeros(source), np.zeros(target))
        assert (pair.fits(one), alone.fits(one)) == expected


@pytest.mark.parametrize(
    ("name", "longest", "source", "tokens"), [("pair", 5, 15, 16), ("alone", 5, 8, 6), ("alone", 3, 10, 4)]
)
def test_long_source_is_cut_and_leaves_room(name: str, longest: int, source: int, tokens: int) -> None:
    one = learner(name, longest)
    prompt = one.prompt(np.arange(2, 2002), 50)
    begin = [] if name == "pair" else [1]
    assert prompt.ids == [*begin, *range(2, 2 + source), 1]
    assert prompt.tokens == tokens
    assert one.source_room() == source


def test_model_of_both_sides_is_refused() -> None:
    with pytest.raises(Exception, match="is not trained to predict the next token"):
        learner("alone", attention="full")
