"""SQuAD's and CoQA's scores, with transformers' copy of SQuAD's script as judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.sequences.metrics.overlap import (
    best,
    exact_match,
    leaving_one_out,
    normalized,
    same_text,
    uses_word,
    word_f1,
)

WORDS = st.lists(st.sampled_from(["the", "a", "An", "cat", "Cat.", "dog", "U.S.", "12", "-12", "", "  ", "é", "\n"]))
TEXTS = WORDS.map(" ".join)


@pytest.mark.slow
@given(TEXTS, TEXTS)
def test_scores_are_those_of_squad(answer: str, reference: str) -> None:
    from transformers.data.metrics.squad_metrics import compute_exact, compute_f1, normalize_answer

    assert normalized(answer) == normalize_answer(answer)
    assert exact_match(answer, reference) == compute_exact(reference, answer)
    assert word_f1(answer, reference) == pytest.approx(compute_f1(reference, answer))


def test_best_reference_counts() -> None:
    assert best(word_f1, "in the north", ["south", "north"]) == pytest.approx(2 / 3)
    assert best(exact_match, "The North!", ["south", "north"]) == 1
    assert best(exact_match, "", []) == 1
    assert best(word_f1, "something", []) == 0


def test_equality_keeps_a_sign_that_normalizing_drops() -> None:
    assert exact_match("-12", "12") == 1
    assert same_text("-12", "12") == 0
    assert same_text(" 12\n", "12") == 1


def test_each_reference_is_left_out_once() -> None:
    assert leaving_one_out(exact_match, "yes", ["yes", "yes", "no"]) == 1
    assert leaving_one_out(exact_match, "no", ["yes", "yes", "no"]) == pytest.approx(2 / 3)
    assert leaving_one_out(exact_match, "no", ["no"]) == 1


@pytest.mark.parametrize(
    ("answer", "uses"),
    [
        ("We saw these very cute whatpus.", 1),
        ("A WHATPU ran.", 1),
        ("Whatpuing is fun", 1),
        ("the somewhatpu", 0),
        ("nothing of it", 0),
        ("whatpuological", 0),
        ("", 0),
    ],
)
def test_word_is_used_in_its_forms(answer: str, uses: float) -> None:
    assert uses_word(answer, "whatpu") == uses


def test_word_may_lose_its_e() -> None:
    assert uses_word("They were farduddling.", "farduddle") == 1
    assert uses_word("anything", " ") == 0
