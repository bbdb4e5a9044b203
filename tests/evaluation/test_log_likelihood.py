"""Log-probabilities of questions, against the definition: a question at a time, read whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.evaluation.log_likelihood import Question, score_questions
from pretrace.model import LSTM, Transformer
from pretrace.settings import LSTMSettings, ModelSettings
from pretrace.training.engine.device import Device

CONTEXT, VOCABULARY = 12, 40
CPU = Device("cpu", torch.float32, "")
SIZES = ModelSettings(
    layers=2, width=16, heads=2, feed_forward=64, context=CONTEXT, dropout=0.1, embedding_dropout="sum", initial_std=0.4
)
LSTM_SIZES = LSTMSettings(layers=1, width=16, embedding=12, dropout=0.1, initial_std=0.4)
RELATIVE = SIZES.model_copy(update={"positions": "relative", "memory_share": 0.5})
MODELS = {"transformer": Transformer(SIZES, VOCABULARY, 1), "lstm": LSTM(LSTM_SIZES, VOCABULARY, CONTEXT, 1)}
MODELS |= {"relative": Transformer(RELATIVE, VOCABULARY, 1)}

ids = st.lists(st.integers(0, VOCABULARY - 1), max_size=CONTEXT + 4)
questions = st.lists(st.builds(lambda a, b: Question(np.array(a, int), np.array(b, int)), ids, ids), max_size=9)


@torch.no_grad()
def plainly(model: Any, question: Question) -> tuple[list[float], list[bool]]:
    text = [*question.given.tolist(), *question.asked.tolist()][-CONTEXT:]
    asked = min(len(question.asked), max(0, len(text) - 1))
    if not asked:
        return [], []
    logs_TV = model(torch.tensor([text])).log_softmax(-1)[0]
    places = range(len(text) - asked, len(text))
    return [float(logs_TV[t - 1, text[t]]) for t in places], [int(logs_TV[t - 1].argmax()) == text[t] for t in places]


@pytest.mark.slow
@settings(max_examples=60)
@given(questions, st.sampled_from(sorted(MODELS)), st.integers(1, 200))
def test_batched_scores_are_those_of_single_questions(asked: list[Question], kind: str, tokens: int) -> None:
    found = score_questions(MODELS[kind], asked, CPU, tokens)
    expected = [plainly(MODELS[kind], question) for question in asked]
    logs = [value for own, _ in expected for value in own]
    np.testing.assert_allclose(found.log_probabilities_N, logs, atol=2e-5)
    assert found.greedy_N.tolist() == [value for _, own in expected for value in own]
    assert found.counts_S.tolist() == [len(own) for own, _ in expected]
    np.testing.assert_allclose(found.sums, [sum(own) for own, _ in expected], atol=2e-4)
    means = [sum(own) / len(own) if own else -np.inf for own, _ in expected]
    np.testing.assert_allclose(found.means, means, atol=2e-5)
    assert found.all_greedy.tolist() == [all(own) for _, own in expected]
    assert found.cut == sum(len(q.given) + len(q.asked) > CONTEXT for q in asked)


def test_scores_have_the_same_bytes_twice() -> None:
    draw = np.random.default_rng(0)
    asked = [Question(draw.integers(0, VOCABULARY, 5), draw.integers(0, VOCABULARY, n % 4 + 1)) for n in range(30)]
    one, two = (score_questions(MODELS["transformer"], asked, CPU).log_probabilities_N for _ in range(2))
    assert one.tobytes() == two.tobytes()


def test_bfloat16_scores_are_close_but_not_equal() -> None:
    asked = [Question(np.arange(5), np.arange(5, 11))]
    exact = score_questions(MODELS["transformer"], asked, CPU).log_probabilities_N
    rough = score_questions(MODELS["transformer"], asked, Device("cpu", torch.bfloat16, "")).log_probabilities_N
    assert 0 < np.abs(exact - rough).max() < 0.3


def test_damaged_weights_are_an_error() -> None:
    model = Transformer(SIZES, VOCABULARY, 1)
    with torch.no_grad():
        model.blocks[0].norm_1.weight[0] = float("nan")
    with pytest.raises(PretraceError, match="weights are damaged"):
        score_questions(model, [Question(np.arange(3), np.arange(2))], CPU)
