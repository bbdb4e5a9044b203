"""Rows that join and leave a batch have the tokens that they have alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from pretrace.generation import Batch, Limits, Prompt, Row, generate
from pretrace.settings.models.generation import GenerationSettings
from tests.helpers.decoding import Letters, small_gpt

SEVERAL = (
    (Prompt([1, 5, 6, 7], 3), {"tokens": 9}),
    (Prompt([1, 5, 6], 4), {"tokens": 5, "temperature": 0.0}),
    (Prompt([1, 9], 5), {"tokens": 9, "top_k": None, "temperature": 1.5}),
    (Prompt([1, 5, 6, 7, 8], 6), {"tokens": 4, "top_p": 0.5, "stop": ["q"]}),
)


def row_of(prompt: Prompt, form: dict[str, Any], **others: Any) -> Row:
    return Row(Letters(), prompt, GenerationSettings(**form), **others)


@pytest.mark.parametrize("remembered", [0, 1, 3])
def test_rows_that_join_at_different_steps_have_the_tokens_of_rows_alone(remembered: int) -> None:
    model = small_gpt()
    batch = Batch(model, Letters(), 2, 20, remembered)
    waiting = [row_of(*one) for one in SEVERAL]
    rows = list(waiting)
    while waiting or batch.rows:
        if waiting and batch.room:
            batch.join([waiting.pop(0)])
        batch.step()
    alone = [generate(model, Letters(), [prompt], GenerationSettings(**form))[0] for prompt, form in SEVERAL]
    assert [row.result.ids for row in rows] == [one.ids for one in alone]


def test_row_that_has_left_makes_room_and_changes_no_other() -> None:
    model = small_gpt()
    batch = Batch(model, Letters(), 2, 20, 1)
    gone, stays = row_of(*SEVERAL[0]), row_of(*SEVERAL[2])
    batch.join([gone, stays])
    assert batch.room == 0
    gone.left = True
    assert batch.room == 1
    while batch.rows:
        batch.step()
    assert len(gone.continuation.ids) == 1
    assert stays.result == generate(model, Letters(), [SEVERAL[2][0]], stays.settings)[0]


def test_remembered_prompt_is_read_once() -> None:
    """Also after others came and went; and the tokens are those of a prompt that is read whole."""
    model = small_gpt(context=64)
    batch = Batch(model, Letters(), 1, 64, 2)
    first = list(range(1, 21))
    reads = []
    for ids in (first, [1, *range(27, 7, -1)], [*first, 7, 9, 4], first[:15]):
        row = row_of(Prompt(ids, 2), {"tokens": 3})
        before = batch._decoder.tokens_read  # type: ignore[attr-defined]
        batch.join([row])
        reads.append(batch._decoder.tokens_read - before)  # type: ignore[attr-defined]
        while batch.rows:
            batch.step()
        assert row.result.ids == generate(model, Letters(), [Prompt(ids, 2)], row.settings)[0].ids
    assert reads == [20, 21, 3, 1]


def test_row_keeps_the_likeliest_tokens() -> None:
    model = small_gpt()
    row = row_of(Prompt([1, 5, 6]), {"tokens": 2}, log_probabilities=3)
    batch = Batch(model, Letters(), 1, 8)
    batch.join([row])
    batch.step()
    with torch.no_grad():
        log_p_V = torch.log_softmax(model(torch.tensor([[1, 5, 6]]))[0, -1], -1)
    expected = log_p_V.topk(3)
    assert [index for index, _ in row.likeliest[0]] == expected.indices.tolist()
    assert [value for _, value in row.likeliest[0]] == pytest.approx(expected.values.tolist(), abs=1e-5)
    assert row.result.log_probabilities[0] == pytest.approx(float(log_p_V[row.result.ids[0]]), abs=1e-5)


def test_prompt_says_which_tokens_end_it() -> None:
    model = small_gpt()
    form = GenerationSettings(tokens=12)
    (free,) = generate(model, Letters(), [Prompt([1, 5], 8)], form, Limits())
    end = free.ids[3]
    (ended,) = generate(model, Letters(), [Prompt([1, 5], 8, ends=frozenset([end]))], form)
    assert (ended.ids, ended.reason) == (free.ids[: free.ids.index(end) + 1], "end")
    assert len(ended.text) == len(ended.ids) - 1
