"""The paper's heuristics, by probabilities that are written down and sums made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pretrace.common.errors import PretraceError
from pretrace.evaluation.log_likelihood import score_questions
from pretrace.evaluation.task_rows import TextRow
from pretrace.evaluation.zero_shot.heuristics import (
    FORMS,
    Form,
    chance,
    harmonic_mean,
    predictions_of,
    questions_of,
    values_of,
)
from pretrace.settings import Heuristic
from pretrace.tasks.rows.metrics import score as metric_score
from pretrace.training.engine.device import Device
from tests.helpers.bigram_model import Bigrams, Words

CPU = Device("cpu", torch.float32, "")


def values(
    heuristic: Heuristic, vocabulary: Words, model: Bigrams, *rows: tuple[str, ...], high: int = 0
) -> np.ndarray:
    scores = []
    for form in FORMS[heuristic]:
        asked = [q for parts in rows for q in questions_of(form, TextRow(0, parts, 0, "f:1"), high, vocabulary)]
        scores.append(score_questions(model, asked, CPU))
    return values_of(heuristic, scores, len(rows))


def test_acceptability_is_the_mean_over_all_tokens_after_a_line_end() -> None:
    vocabulary = Words("the dog barks")
    model = Bigrams(vocabulary, {"\n": {"the": 0.5}, "the": {"dog": 0.4}, "dog": {"barks": 0.8}})
    found = values("acceptability", vocabulary, model, ("the dog barks",), ("the dog",), ("dog the",))
    plain = [(math.log(0.5) + math.log(0.4) + math.log(0.8)) / 3, (math.log(0.5) + math.log(0.4)) / 2]
    assert found[:2, 0] == pytest.approx(plain, abs=1e-6)
    assert found[2, 0] < min(plain)
    assert predictions_of(found, 1, -1.0).tolist() == [1, 1, 0]
    assert predictions_of(found, 0, -1.0).tolist() == [0, 0, 1]


@pytest.mark.parametrize("high", [0, 1])
def test_sentiment_compares_two_words_after_very(high: int) -> None:
    vocabulary = Words("good bad very positive negative")
    after = {"good": {"very": 0.9}, "bad": {"very": 0.9}, "very": {"positive": 0.3, "negative": 0.1, "good": 0.5}}
    model = Bigrams(vocabulary, after)
    found = values("sentiment", vocabulary, model, ("good",), ("good bad",), high=high)
    assert found[0, high] == pytest.approx(math.log(0.3), abs=1e-6)
    assert found[0, 1 - high] == pytest.approx(math.log(0.1), abs=1e-6)
    assert predictions_of(found, high, None).tolist() == [high, high]


def test_word_of_several_tokens_has_their_joint_probability() -> None:
    class Halves(Words):
        def _encode(self, words: list[str]) -> list[list[int]]:
            return [[self.tokens.index("posi"), self.tokens.index("tive")] if w == "positive" else [2] for w in words]

    vocabulary = Halves("x")
    vocabulary.tokens += ["posi", "tive"]
    vocabulary.size += 2
    model = Bigrams(Words("x posi tive"), {"x": {"posi": 0.5}, "posi": {"tive": 0.5}})
    found = values("sentiment", vocabulary, model, ("x",), high=1)
    assert found[0, 1] == pytest.approx(math.log(0.25), abs=1e-6)


def test_choice_takes_the_mean_over_the_choice_alone() -> None:
    vocabulary = Words("q a b c")
    model = Bigrams(vocabulary, {"q": {"a": 0.6, "b": 0.2}, "b": {"c": 0.9}, "c": {"c": 0.9}})
    found = values("choice", vocabulary, model, ("c q", "a", "b c c", "b"))
    means = [math.log(0.6), (math.log(0.2) + 2 * math.log(0.9)) / 3, math.log(0.2)]
    assert found[0] == pytest.approx(means, abs=1e-6)
    assert predictions_of(found, 0, None).tolist() == [0]
    longer = values("choice", vocabulary, model, ("q", "a", "b c c c c c c"))
    assert predictions_of(longer, 0, None).tolist() == [1]  # by the sum it would be 0: log 0.6 > log 0.2 + 6 log 0.9


def test_mutual_information_is_what_a_text_gains_from_the_one_before_it() -> None:
    vocabulary = Words("q a b c")
    after = {"q": {"a": 0.3, "b": 0.4}, "a": {"c": 0.5}, "b": {"c": 0.6}, "\n": {"a": 0.1, "b": 0.8}}
    model = Bigrams(vocabulary, after)
    found = values("choice_pmi", vocabulary, model, ("q", "a c", "b c"))
    assert found[0] == pytest.approx([math.log(0.3 / 0.1), math.log(0.4 / 0.8)], abs=1e-5)
    assert predictions_of(found, 0, None).tolist() == [0]  # although "b c" is likelier, by the sum and by the mean
    assert predictions_of(values("choice", vocabulary, model, ("q", "a c", "b c")), 0, None).tolist() == [1]
    pairs = values("pair_pmi", vocabulary, model, ("q", "a c"), ("q", "b c"))
    np.testing.assert_allclose(pairs[:, 0], found[0], atol=1e-5)
    assert pairs.shape == (2, 1)


def test_referents_compare_what_comes_after_the_blank() -> None:
    vocabulary = Words("cup bag full _ is .")
    after = {"cup": {"is": 0.2}, "bag": {"is": 0.6}, "is": {"full": 0.5}, "full": {".": 0.9}, "\n": {"cup": 0.97}}
    model = Bigrams(vocabulary, after)
    found = values("referents", vocabulary, model, ("_ is full .", "cup", "bag"))
    rest = math.log(0.5) + math.log(0.9)
    assert found[0] == pytest.approx([(math.log(0.2) + rest) / 3, (math.log(0.6) + rest) / 3], abs=1e-6)
    assert predictions_of(found, 0, None).tolist() == [1]  # although "cup" is the likelier start by far
    run = values("referents", vocabulary, model, ("_ _ _ is full .", "cup", "bag"))
    np.testing.assert_array_equal(run, found)  # "___" is cleaned to this


@pytest.mark.parametrize(
    ("text", "what"), [("no blank", "0 blanks"), ("_ and _ too", "2 blanks"), ("it ends in _", "nothing after")]
)
def test_row_without_its_blank_is_named(text: str, what: str) -> None:
    with pytest.raises(PretraceError, match=f"wsc.jsonl:7: {what}"):
        questions_of("rest", TextRow(6, (text, "a", "b"), 0, "wsc.jsonl:7"), 0, Words("a b _"))


def test_chance() -> None:
    assert chance("accuracy", [0, 1], 4) == 0.25
    assert chance("matthews", [0, 1], 2) == 0
    draw = np.random.default_rng(0)
    labels = np.arange(20000) % 4 == 0
    drawn = metric_score("f1", labels.astype(int), draw.integers(0, 2, 20000))
    assert chance("f1", labels, 2) == pytest.approx(drawn, abs=0.02)


@pytest.mark.parametrize(
    ("form", "parts", "asked"),
    [
        ("after", ("x", "y"), " y"),
        ("alone", ("x", "y"), "y"),
        ("sentiment", ("x",), " negative"),
        ("rest", ("x _ y z", "w"), " y z"),
        ("rest", ("x _. y", "w"), ". y"),
    ],
)
def test_ids_with_spaces_have_one_before_what_follows(form: Form, parts: tuple[str, ...], asked: str) -> None:
    class Texts(Words):
        between = " "

        def encode_array(self, prepared: str) -> np.ndarray:
            seen.append(prepared)
            return np.zeros(1, np.int64)

    seen: list[str] = []
    questions_of(form, TextRow(0, parts, 0, "f:1"), 1, Texts("x"))
    assert asked in seen


def test_empty_choice_at_the_end_of_a_row_is_never_chosen() -> None:
    vocabulary = Words("q a b _ c")
    model = Bigrams(vocabulary, {"q": {"a": 0.1, "b": 0.2}, "a": {"c": 0.3}, "b": {"c": 0.4}})
    for heuristic, row in (
        ("choice", ("q", "a", "b", "")),
        ("choice_pmi", ("q", "a", "b", "")),
        ("referents", ("q _ c", "a", "b", "")),
    ):
        found = values(heuristic, vocabulary, model, row)  # type: ignore[arg-type]
        assert np.isfinite(found[0]).tolist() == [True, True, False]
        assert predictions_of(found, 0, None).tolist() != [2]


def test_chance_of_rows_that_differ_is_the_mean_of_theirs() -> None:
    assert chance("accuracy", [0, 1], harmonic_mean(np.array([2, 4]))) == pytest.approx((1 / 2 + 1 / 4) / 2)
    assert round(chance("accuracy", [0], harmonic_mean(np.array([3, 3, 3]))), 12) == round(1 / 3, 12)
