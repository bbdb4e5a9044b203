"""Conversations as ids: roles that no text becomes, and a loss on answers and end marks alone."""

from __future__ import annotations

import numpy as np
import pytest

from pretrace.training.alignment.text.conversation import Turn, continuation, fit, render, render_prompt
from pretrace.training.alignment.text.roles import NAMES, RoleVocabulary
from tests.helpers.small_alignment import small_vocabulary

TURNS = (Turn("user", "abcd efgh"), Turn("assistant", "ab"), Turn("user", "cd"), Turn("assistant", "ef gh"))


@pytest.fixture(scope="module")
def vocabulary() -> RoleVocabulary:
    return RoleVocabulary(small_vocabulary())


@pytest.mark.parametrize("name", NAMES.values())
def test_text_that_spells_a_role_never_becomes_one(vocabulary: RoleVocabulary, name: str) -> None:
    assert max(vocabulary.encode(f"a {name} b")) < vocabulary.base.size
    assert vocabulary.size == vocabulary.base.size + len(NAMES)


def test_trained_are_answers_and_their_end_marks_of_every_turn(vocabulary: RoleVocabulary) -> None:
    ids_T, trained_T = render(TURNS, vocabulary)
    expected = []
    for turn in TURNS:
        if turn.role == "assistant":
            expected += [*vocabulary.encode(turn.text), vocabulary.end_id]
    assert ids_T[trained_T].tolist() == expected
    assert not trained_T[0]


def test_rendering_of_a_beginning_is_a_beginning_of_the_rendering(vocabulary: RoleVocabulary) -> None:
    whole = render(TURNS, vocabulary).ids_T
    for count in range(len(TURNS) + 1):
        part = render(TURNS[:count], vocabulary).ids_T
        assert part.tolist() == whole[: len(part)].tolist()
    prompt = render_prompt(TURNS[:3], vocabulary)
    assert prompt.tolist() == whole[: len(prompt)].tolist()


def test_roles_and_end_mark_decode_to_their_names(vocabulary: RoleVocabulary) -> None:
    text = vocabulary.decode(render(TURNS[:2], vocabulary).ids_T.tolist())
    assert "<|user|>" in text and text.endswith("<|end|>")


def test_fit_drops_the_oldest_question_with_its_answer(vocabulary: RoleVocabulary) -> None:
    turns = (Turn("system", "ab"), *TURNS)
    longest = len(render(turns, vocabulary).ids_T) - 1
    assert fit(turns, vocabulary, longest) == (turns[0], *TURNS[2:])
    assert fit(turns, vocabulary, longest + 1) == turns
    assert fit(turns, vocabulary, 5) is None


def test_continuation_trains_the_answer_alone() -> None:
    ids_T, trained_T = continuation([5, 6, 7], [8, 9])
    assert ids_T.tolist() == [5, 6, 7, 8, 9]
    assert np.flatnonzero(trained_T).tolist() == [3, 4]
