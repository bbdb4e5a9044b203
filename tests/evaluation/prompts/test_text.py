"""Texts of prompts as vocabularies read them: the ids of pieces are those of the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.evaluation.prompts.text import PromptText
from pretrace.settings.prompts.template import Template
from pretrace.tokens import load_vocabulary
from tests.helpers.small_byte_vocabulary import write_byte_vocabulary
from tests.helpers.small_vocabulary import write_openai_vocabulary

pieces = st.lists(st.text(alphabet="abthe \n'\u00e95.:", max_size=8), max_size=5)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PromptText]:
    folder = tmp_path_factory.mktemp("vocabularies")
    write_byte_vocabulary(folder / "bytes")
    write_openai_vocabulary(folder / "words")
    return {name: PromptText(load_vocabulary(folder / name)) for name in ("bytes", "words")}


@given(parts=pieces)
def test_ids_of_pieces_are_those_of_the_whole_text(texts: dict[str, PromptText], parts: list[str]) -> None:
    text = texts["bytes"]
    assert text.encoded(parts).tolist() == text.vocabulary.encode("".join(parts))


@given(parts=pieces, answer=st.text(alphabet="abthe \n'", min_size=1, max_size=6))
def test_context_and_answer_are_the_whole_text_where_no_token_reaches_across(
    texts: dict[str, PromptText], parts: list[str], answer: str
) -> None:
    """As lm-evaluation-harness has it: white space before the answer is the answer's."""
    text, whole = texts["bytes"], "".join(parts)
    before, asked = text.continuation(parts, answer)
    kept, both = whole.rstrip(), text.vocabulary.encode(whole + answer)
    given = text.vocabulary.encode(kept)
    assert before.tolist() == given
    if both[: len(given)] == given:
        assert asked.tolist() == both[len(given) :]
    else:
        assert asked.tolist() == text.vocabulary.encode(whole[len(kept) :] + answer)


def test_space_belongs_to_the_answer(texts: dict[str, PromptText]) -> None:
    before, asked = texts["bytes"].continuation(["abc the"], " the")
    assert len(asked) == 1
    assert np.concatenate([before, asked]).tolist() == texts["bytes"].vocabulary.encode("abc the the")


def test_words_are_prepared_and_line_ends_are_one(texts: dict[str, PromptText]) -> None:
    words = texts["words"]
    assert words.prepared("The Dog:\n\n\nNo!") == "the dog :\nno !"
    assert words.joined(["the dog", "\n", "\nno", "", "yes"]) == "the dog\nno yes"
    template = Template.parse("Q: {text}\n A:", ["text"])
    assert words.filled(template, {"text": "it was"}) == "q : it was\na :"
    assert words.encoded(["it was", "\nthe dog"]).tolist() == words.vocabulary.encode("it was\nthe dog")
    before, asked = words.continuation(["it was"], "the dog")
    assert [*before, *asked] == words.vocabulary.encode("it was the dog")


def test_what_cannot_be_written_is_known(texts: dict[str, PromptText], tmp_path: Path) -> None:
    words, bytes_ = texts["words"], texts["bytes"]
    assert not words.can_write(words.encoded(["\u4e2d"]))
    assert not words.can_write(words.encoded([""]))
    assert words.can_write(words.encoded(["dog"]))
    assert bytes_.can_write(bytes_.encoded(["\u4e2d"]))
