"""Keys of params.yaml that belong together."""

from __future__ import annotations

from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.settings import LanguageTest, Settings, Task, load_settings
from pretrace.settings.section import checked


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"protocol": "last_word", "file": "a", "stride": 3}, "`stride` is for `protocol: perplexity`"),
        ({"protocol": "perplexity", "file": "a", "rows": 3}, "not for `protocol: perplexity`"),
        ({"protocol": "perplexity", "file": "a", "columns": {"target": "b"}}, "not for `protocol: perplexity`"),
        ({"protocol": "cloze", "file": "a"}, "protocol: got 'cloze'"),
        ({"protocol": "choice"}, "file: missing"),
    ],
)
def test_language_test_has_the_fields_of_its_protocol(values: dict[str, Any], said: str) -> None:
    with pytest.raises(PretraceError, match=said):
        checked(LanguageTest, values, "params.yaml")


@pytest.mark.parametrize(
    ("kind", "heuristic", "fits"),
    [
        ("classification", "acceptability", True),
        ("classification", "sentiment", True),
        ("multiple_choice", "choice", True),
        ("multiple_choice", "referents", True),
        ("multiple_choice", "choice_pmi", True),
        ("entailment", "pair_pmi", True),
        ("classification", "choice", False),
        ("multiple_choice", "sentiment", False),
        ("entailment", "acceptability", False),
        ("similarity", "pair_pmi", False),
    ],
)
def test_heuristic_fits_its_kind_of_task(kind: str, heuristic: str, fits: bool) -> None:
    entry = {"kind": kind, "train": "a.csv", "test": "b.csv", "zero_shot": heuristic}
    if fits:
        assert checked(Task, entry, "params.yaml").zero_shot == [heuristic]
        return
    with pytest.raises(PretraceError, match=f"`zero_shot: {heuristic}` is for `kind: "):
        checked(Task, entry, "params.yaml")


def test_task_may_have_a_heuristic_for_each_column() -> None:
    entry = {"kind": "multiple_choice", "train": "a.csv", "test": "b.csv"}
    assert checked(Task, entry | {"zero_shot": None}, "params.yaml").zero_shot == []
    both = checked(Task, entry | {"zero_shot": ["choice", "choice_pmi"]}, "params.yaml")
    assert both.zero_shot == ["choice", "choice_pmi"]
    with pytest.raises(PretraceError, match=r"two have their score in one column of the table, lm_zero_shot;"):
        checked(Task, entry | {"zero_shot": ["choice", "referents"]}, "params.yaml")
    with pytest.raises(PretraceError, match="zero_shot"):
        checked(Task, entry | {"zero_shot": "guess"}, "params.yaml")


@pytest.mark.usefixtures("project")
def test_zero_shot_keys_are_optional() -> None:
    found: Settings = load_settings()
    assert (found.zero_shot.rows, found.language_tests) == (None, {})
