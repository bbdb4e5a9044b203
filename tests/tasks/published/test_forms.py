"""Rows of published objects: the same from a publisher's object and from the Hub's row."""

from __future__ import annotations

import pytest

from pretrace.tasks.published.forms import record_rows, with_pronoun_marked
from pretrace.tasks.published.read import FORMS
from tests.helpers import published_choices as published


@pytest.mark.parametrize("form", ["arc_easy", "openbookqa", "commonsenseqa", "multirc", "record", "wsc"])
def test_publisher_and_hub_have_the_same_rows(form: str) -> None:
    rows = FORMS["arc" if form in ("arc_easy", "commonsenseqa") else form].rows
    hub = published.hub_rows(form, "train")
    of_hub = [one for row in hub for one in rows(row)]
    of_files = [one for row in published.published_objects(form, hub) for one in rows(row)]
    assert of_files == of_hub
    assert len(of_hub) == published.ROWS


def test_labels_of_arc_may_be_numbers() -> None:
    rows = [row for one in published.hub_rows("arc_easy", "train") for row in FORMS["arc"].rows(one)]
    assert [(len(row["choices"]), row["answer"]) for row in rows] == [
        (3, "A"),
        (4, "B"),
        (5, "C"),
        (3, "A"),
        (4, "A"),
        (5, "A"),
    ]


def test_choices_of_record_are_the_query_with_each_name() -> None:
    one, two = (next(record_rows(row)) for row in published.hub_rows("record", "train")[:2])
    assert one["passage"] == 'train "a 0 Ann met Bob and Cy .\n- Bob left\n- Ann did not'
    assert one["choices"] == [f'train "b 0 saw {name} .' for name in ("Ann", "Bob", "Cy")]
    assert one["answer"] == 0
    assert two["choices"] == [f'train "b 1 saw {name} .' for name in ("Ann", "Bob")]  # Cy would be right, too
    assert two["answer"] == 1


def test_name_that_is_right_is_a_choice_where_the_passage_has_it_otherwise() -> None:
    row = {"passage": "x", "query": "@placeholder", "entities": ["Ann", "Ann"], "answers": ["Bob", "Bob"]}
    assert next(record_rows(row)) == {"passage": "x", "choices": ["Ann", "Bob"], "answer": 1}


@pytest.mark.parametrize(
    ("index", "marked"),
    [
        (3, "He said *he* saw him, he did"),
        (2, "He said *he* saw him, he did"),
        (4, "He said he saw him, *he* did"),
        (99, "He said he saw him, *he* did"),
    ],
)
def test_pronoun_nearest_to_its_index_is_marked(index: int, marked: str) -> None:
    assert with_pronoun_marked("He said he saw him, he did", "he", index) == marked


def test_text_without_the_pronoun_stays() -> None:
    assert with_pronoun_marked("the man said", "he", 1) == "the man said"
    assert with_pronoun_marked("", "it", 3) == ""
