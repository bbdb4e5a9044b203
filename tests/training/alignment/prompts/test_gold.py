"""The gold reward: halves of the sources, log-odds of tokens, the unit of the start policy."""

from __future__ import annotations

import numpy as np
import pytest

from pretrace.common.errors import PretraceError
from pretrace.settings.alignment.data import Comparisons, Gold
from pretrace.training.alignment.prompts.gold import GoldReward, halves_of, log_odds
from pretrace.training.alignment.prompts.judge import judged, with_ties
from tests.helpers.small_alignment import small_vocabulary


def test_halves_have_about_the_same_size_whatever_the_order_of_sources() -> None:
    sizes = {"a": 10, "b": 7, "c": 5, "d": 3}
    assert halves_of(sizes) == (["a", "d"], ["b", "c"])
    assert halves_of(dict(reversed(sizes.items()))) == halves_of(sizes)
    with pytest.raises(PretraceError, match="the corpus has 1 source"):
        halves_of({"a": 10})


def test_log_odds_are_clipped_and_rare_tokens_say_nothing() -> None:
    vocabulary = small_vocabulary()
    letters = [i for i in range(vocabulary.size) if any(map(str.isalpha, vocabulary.decode([i])))]
    first, second, third = (i for i in letters[-3:])
    counts_2V = np.zeros((2, vocabulary.size))
    counts_2V[0, first], counts_2V[1, first] = 1000, 0
    counts_2V[:, second] = 500
    counts_2V[0, third] = 5
    odds_V = log_odds(counts_2V, vocabulary, Gold(clip=2.0))
    assert odds_V[first] == 2 and odds_V[third] == 0 and odds_V[second] < 0
    assert odds_V[vocabulary.document_end_id] == 0


def test_reward_is_a_mean_over_tokens_in_units_of_the_start_policy() -> None:
    answers = [[0, 1], [1, 1, 1], [2], [0, 2, 2]]
    gold = GoldReward(np.array([1.0, 2.0, -1.0])).in_units_of(answers)
    found = gold.of(answers)
    assert found.mean() == pytest.approx(0) and found.std() == pytest.approx(1)
    assert gold.of([[0, 1], [1, 0], [0, 1, 0, 1]]).tolist() == pytest.approx([gold.of([[0, 1]])[0]] * 3)
    with pytest.raises(PretraceError, match="the same for all answers"):
        GoldReward(np.zeros(3)).in_units_of(answers)


def test_ties_are_of_neighbors_in_rank() -> None:
    assert with_ties(np.array([0.0, 1.0, 0.9, 5.0]), 0.2).tolist() == [0.0, 1.0, 1.0, 5.0]
    assert with_ties(np.array([0.0, 1.0]), 0.0).tolist() == [0.0, 1.0]


def test_noise_makes_labels_wrong_as_often_as_it_says() -> None:
    gold = GoldReward(np.array([0.0, 1.0]))
    rows = judged([[0]] * 4000, [[(0,), (1,)]] * 4000, gold, Comparisons(noise=1.0), seed=3)
    share = np.mean([row.scores[1] > row.scores[0] for row in rows])
    assert share == pytest.approx(1 / (1 + np.exp(-1)), abs=0.03)
    again = judged([[0]] * 5, [[(0,), (1,)]] * 5, gold, Comparisons(noise=1.0), seed=3, first=7)
    assert [row.scores for row in again] == [row.scores for row in rows[7:12]]
