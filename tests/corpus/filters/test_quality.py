"""Rules for one document: each against a plain reading of its definition, and at its bound."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.corpus import Document, Gpt1Words
from pretrace.corpus.cleaning.document_steps import ApplySteps, PrepareText
from pretrace.corpus.cleaning.run import document_steps
from pretrace.corpus.filters.base import Reason
from pretrace.settings import LanguageRules, LengthRules, Quality, RepetitionRules, SymbolRules
from tests.helpers.planted_text import text

ALL = Quality(length=LengthRules(), repetition=RepetitionRules(), symbols=SymbolRules(), language=LanguageRules())


def reason_for(raw: str, quality: Quality) -> Reason | None:
    """Why the filters of raw text drop it."""
    steps = document_steps(quality, None, Gpt1Words())
    filters = steps[: [type(step) for step in steps].index(PrepareText)]
    (cleaned,) = ApplySteps(filters)([Document("id", "source", raw)])
    return cleaned.reason


def only(section: str, **rules: Any) -> Quality:
    kind = type(getattr(ALL, section))
    off = {name: {} if name.endswith("ngrams") else None for name in kind.model_fields}
    off |= {"stop_words": ["the", "be"], "least": 1} if section == "language" else {}
    return Quality(**{section: kind(**{**off, **rules})})


def test_filters_keep_prose() -> None:
    assert reason_for(text("prose", 400), ALL) is None


@given(st.text())
def test_filters_name_settings_and_do_nothing_without_rules(anything: str) -> None:
    assert reason_for(anything, Quality()) is None
    reason_given = reason_for(anything, ALL)
    if reason_given:
        section, rule = reason_given.rule.split(".")[:2]
        assert rule in type(getattr(ALL, section)).model_fields


@pytest.mark.parametrize(
    ("quality", "document", "reason", "value"),
    [
        (only("length", least_words=3), "one two", "length.least_words", 2),
        (only("length", most_words=2), "one two three", "length.most_words", 3),
        (only("length", shortest_mean_word=3.0), "a bb ccc", "length.shortest_mean_word", 2),
        (only("length", longest_mean_word=3.0), "one three", "length.longest_mean_word", 4),
        (only("symbols", hashes_a_word=0.1), "# " * 2 + "word " * 8, "symbols.hashes_a_word", 0.2),
        (only("symbols", ellipses_a_word=0.1), "so ... and \N{HORIZONTAL ELLIPSIS}", "symbols.ellipses_a_word", 0.5),
        (only("symbols", bullet_lines=0.5), "- a\n\N{BULLET} b\n\n* c\nd", "symbols.bullet_lines", 0.75),
        (only("symbols", ellipsis_lines=0.3), "well ...\nyes\n", "symbols.ellipsis_lines", 0.5),
        (only("symbols", words_with_letters=0.8), "4 8 15 sixteen", "symbols.words_with_letters", 0.25),
        (only("symbols", digits=0.3), "abc 123 \u0664\u0665", "symbols.digits", 0.625),
        (only("language", least=2), "Der Hund, the Katze", "language.least", 1),
        (only("language", least_share=0.5), "The Hund (be) da und dort", "language.least_share", 2 / 6),
        (only("repetition", duplicate_lines=0.3), "a\nb\n a \nb", "repetition.duplicate_lines", 0.5),
        (
            only("repetition", duplicate_line_characters=0.3),
            "aaa\nb\naaa",
            "repetition.duplicate_line_characters",
            3 / 7,
        ),
        (
            only("repetition", duplicate_paragraphs=0.3),
            "a\nb\n\nc\n \na b\n\na\nb\n",
            "repetition.duplicate_paragraphs",
            0.5,
        ),
        (
            only("repetition", duplicate_paragraph_characters=0.1),
            "aa\n\nb\n\nb\n\n",
            "repetition.duplicate_paragraph_characters",
            0.25,
        ),
        (only("repetition", top_ngrams={2: 0.5}), "a b x a b", "repetition.top_ngrams.2", 0.8),
        (only("repetition", duplicate_ngrams={2: 0.3}), "a b x a b", "repetition.duplicate_ngrams.2", 0.4),
    ],
)
def test_rule_names_itself_and_the_measured_value(quality: Quality, document: str, reason: str, value: float) -> None:
    reason_given = reason_for(document, quality)
    assert reason_given is not None
    assert (reason_given.rule, reason_given.value) == (reason, pytest.approx(value, abs=1e-6))
    # At the bound itself a document stays.
    section, rule, *key = reason.split(".")
    rules = getattr(quality, section)
    exact = {int(key[0]): value} if key else int(value) if isinstance(getattr(rules, rule), int) else value
    at_bound = quality.model_copy(update={section: rules.model_copy(update={rule: exact})})
    assert reason_for(document, at_bound) is None
