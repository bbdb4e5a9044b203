"""Texts that begin alike, against each text by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.evaluation.log_likelihood import Question, score_questions
from pretrace.evaluation.token_trees import score_groups, token_tree
from pretrace.model import LSTM, Transformer
from pretrace.settings import LSTMSettings, ModelSettings
from pretrace.training.engine.device import Device

CONTEXT, VOCABULARY = 12, 40
CPU = Device("cpu", torch.float32, "")
SIZES = ModelSettings(
    layers=2, width=16, heads=2, feed_forward=64, context=CONTEXT, dropout=0.1, embedding_dropout="sum", initial_std=0.4
)
LSTM_SIZES = LSTMSettings(layers=1, width=16, embedding=12, dropout=0.1, initial_std=0.4)
MODELS = {
    "transformer": Transformer(SIZES, VOCABULARY, 1),
    "pre-norm": Transformer(SIZES.model_copy(update={"norm": "pre", "positions": "sinusoidal"}), VOCABULARY, 1),
    "banded": Transformer(SIZES.model_copy(update={"attention": "banded", "window": 3}), VOCABULARY, 1),
    "lstm": LSTM(LSTM_SIZES, VOCABULARY, CONTEXT, 1),
}
few_ids = st.lists(st.integers(0, 2), max_size=CONTEXT + 2).map(lambda ids: np.array(ids, np.int64))
"""Few different ones, so that texts share beginnings."""
groups = st.lists(st.lists(st.builds(Question, few_ids, few_ids), max_size=5), max_size=5)


@pytest.mark.slow
@settings(max_examples=80)
@given(groups, st.sampled_from(sorted(MODELS)), st.integers(1, 100))
def test_shared_scores_are_those_of_single_texts(asked: list[list[Question]], kind: str, tokens: int) -> None:
    shared = score_groups(MODELS[kind], asked, CPU, tokens)
    single = [score_questions(MODELS[kind], [one], CPU) for group in asked for one in group]
    logs = np.concatenate([one.log_probabilities_N for one in single] or [np.zeros(0)])
    np.testing.assert_allclose(shared.log_probabilities_N, logs, atol=2e-5)
    assert shared.counts_S.tolist() == [int(one.counts_S[0]) for one in single]
    assert shared.greedy_N.tolist() == [bool(hit) for one in single for hit in one.greedy_N]
    assert shared.cut == sum(one.cut for one in single)


def test_common_beginnings_are_nodes_once() -> None:
    given_T = np.arange(8)
    texts = [np.concatenate([given_T, own]) for own in ([20], [21], [22, 23], [22, 24])]
    tree = token_tree(texts, [1, 1, 2, 2])
    assert tree.ids_N.tolist() == [*range(8), 22]
    assert tree.positions_N.tolist() == list(range(9))
    assert tree.predicting_R.tolist() == [7, 7, 7, 8, 7, 8]
    assert tree.targets_R.tolist() == [20, 21, 22, 23, 22, 24]
    assert (tree.seen_NN == np.tri(9, dtype=bool)).all()


def test_branches_do_not_see_each_other() -> None:
    tree = token_tree([np.array([1, 2, 3, 9]), np.array([1, 4, 9]), np.array([5, 9])], [1, 1, 1])
    assert tree.ids_N.tolist() == [1, 2, 3, 4, 5]
    assert tree.positions_N.tolist() == [0, 1, 2, 1, 0]
    assert [np.flatnonzero(row).tolist() for row in tree.seen_NN] == [[0], [0, 1], [0, 1, 2], [0, 3], [4]]


def test_scores_have_the_same_bytes_twice_and_damage_is_an_error() -> None:
    draw = np.random.default_rng(0)
    asked = [[Question(np.arange(5), draw.integers(0, VOCABULARY, n % 3 + 1)) for n in range(4)] for _ in range(9)]
    one, two = (score_groups(MODELS["transformer"], asked, CPU).log_probabilities_N for _ in range(2))
    assert one.tobytes() == two.tobytes()
    damaged = Transformer(SIZES, VOCABULARY, 1)
    with torch.no_grad():
        damaged.token_embedding.weight[3] = float("nan")
    with pytest.raises(PretraceError, match="weights are damaged"):
        score_groups(damaged, asked, CPU)
