"""Classes that nobody meant: a sentence that names rows, or a refusal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.tasks.odd_rows.classes import class_warnings, counts, visible


def rows(*labels: str) -> list[tuple[str, str]]:
    return [(f"train.csv: row {number}", label) for number, label in enumerate(labels, 1)]


def warnings(*labels: str, column: str = "label") -> list[str]:
    return class_warnings(rows(*labels), column, "tasks.mine")


def test_sound_classes_give_no_warning() -> None:
    assert warnings("good", "bad", "good", "bad", "Bad", "Bad") == []


@pytest.mark.parametrize(
    ("odd", "shown"),
    [
        ("bad ", "'bad '"),
        (" bad", "' bad'"),
        ("bad\u200b", r"'bad\u200b'"),
        ("\ufeffbad", r"'\ufeffbad'"),
        ("bad\xa0", r"'bad\xa0'"),
        ("bad\r", r"'bad\r'"),
    ],
)
def test_classes_that_look_alike_are_one_sentence(odd: str, shown: str) -> None:
    (said,) = warnings("good", "bad", "good", "bad", odd)
    assert said == (
        "classes that differ only in white space, invisible signs or Unicode form: 'bad' (2 rows, the first is "
        f"train.csv: row 2) and {shown} (train.csv: row 5); write them alike, or map them with tasks.mine.labels"
    )


def test_unicode_forms_are_told_apart_by_escapes() -> None:
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    (said,) = warnings(composed, composed, decomposed, decomposed)
    assert "'café' (2 rows" in said
    assert r"'cafe\u0301' (2 rows" in said


def test_a_class_called_like_the_column_is_named() -> None:
    (said,) = warnings("good", "bad", "label", "good", "bad")
    assert said == "a class is called 'label', as the column is (train.csv: row 3): is that a line of names?"


def test_classes_of_one_row_are_counted_and_three_are_named() -> None:
    (said,) = warnings("good", "good", "bad", "bad", "Good")
    assert said == "1 of 3 classes have one row only: 'Good' (train.csv: row 5)"
    (said,) = warnings(*"abcde", *"zzzzz")
    assert said.startswith("5 of 6 classes have one row only: 'a' (train.csv: row 1), ")
    assert said.endswith("'c' (train.csv: row 3) and 2 more")


def test_nearly_a_class_a_row_is_another_column() -> None:
    (said,) = warnings(*(f"text {number}" for number in range(30)), "text 0")
    assert said.startswith("train.csv: column 'label' has 30 classes in 31 rows, nearly one a row")
    with pytest.raises(PretraceError, match=r"'label' has 20 classes in 20 rows, one a row; set tasks\.mine\.columns"):
        warnings(*map(str, range(20)))
    assert len(warnings(*map(str, range(19)))) == 1  # so few rows may be a try


@given(st.text(max_size=8))
def test_visible_form_is_the_same_for_all_that_looks_the_same(label: str) -> None:
    shown = visible(label)
    assert visible(shown) == shown
    assert visible(f" {label}\u200b ") == shown
    assert visible(unicodedata.normalize("NFD", label)) == shown


def test_counts_are_by_class_most_first() -> None:
    assert counts([0, 1, 1, 1], ["good", "bad "]) == "'bad ' 3, 'good' 1"
    assert counts(range(14), list(map(str, range(14)))).endswith("'11' 1 and 2 more")
