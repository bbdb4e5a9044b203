"""Where a text ends, whatever the vocabulary; and that its text is what it adds to the prompt's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.generation.continuation import Continuation
from pretrace.generation.prompt import Prompt, prompt_of
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens import ExtendedVocabulary, Vocabulary, load_vocabulary, train_vocabulary
from tests.helpers.small_byte_vocabulary import write_byte_vocabulary, write_wordpiece
from tests.helpers.small_vocabulary import write_openai_vocabulary

WORDS = ("the", "cat", "sat", "on", "a", "mat", "and", "then", "it", "was", "end", ".")
COUNTS = "".join(f"{word}\t{50 - number}\n" for number, word in enumerate(WORDS))


def sentencepiece(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "counts.tsv").write_text(COUNTS)
    train_vocabulary(folder / "counts.tsv", folder / "made", 40)
    return folder / "made"


KINDS: dict[str, Any] = {
    "sentencepiece": sentencepiece,
    "openai": write_openai_vocabulary,
    "bytes": write_byte_vocabulary,
    "wordpiece": write_wordpiece,
}
STOPS = {
    "sentencepiece": ("the mat sat", "on a cat . the end", "a cat ."),
    "openai": ("the queen", "it was the age of wisdom , it", "the age"),
    "bytes": ("The cat", " abc's caf\u00e9!\nQ: no", "caf\u00e9!\nQ:"),
    "wordpiece": ("the dog", "dogs . cafe [ a", "s . caf"),
}
"""A prompt, what follows it, and a stop text that begins or ends inside of tokens, or goes over several."""


@pytest.fixture(scope="module")
def vocabularies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Vocabulary]:
    folder = tmp_path_factory.mktemp("vocabularies")
    made = {name: load_vocabulary(write(folder / name)) for name, write in KINDS.items()}
    return made | {"extended": ExtendedVocabulary(made["bytes"])}


def grown(vocabulary: Vocabulary, prompt: list[int], ids: list[int], **form: Any) -> Continuation:
    """A continuation by ids, up to where it ends."""
    one = Continuation(vocabulary, Prompt(prompt), GenerationSettings(**{"tokens": len(ids)} | form))
    for index in ids:
        if one.reason is None:
            one.add(index)
    return one


@pytest.mark.parametrize("kind", KINDS)
def test_stop_texts_are_found_across_tokens(vocabularies: dict[str, Vocabulary], kind: str) -> None:
    vocabulary, (before, after, stop) = vocabularies[kind], STOPS[kind]
    prompt = prompt_of(vocabulary, before).ids
    ids = vocabulary.encode(f"{before} {after}".replace("  ", " "))[len(prompt) - 1 :]
    whole = grown(vocabulary, prompt, ids).result()
    found = grown(vocabulary, prompt, ids, stop=["never", stop]).result()
    assert (whole.reason, found.reason) == ("length", "stop")
    assert stop in whole.text and found.text == whole.text[: whole.text.index(stop)]
    assert len(found.ids) < len(ids)
    shorter = grown(vocabulary, prompt, found.ids[:-1]).result()
    assert stop not in shorter.text  # it ended at the first token with which the stop text is there


@pytest.mark.parametrize("kind", [*KINDS, "extended"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_text_is_what_the_tokens_add(vocabularies: dict[str, Vocabulary], kind: str, data: st.DataObject) -> None:
    vocabulary = vocabularies[kind]
    prompt = prompt_of(vocabulary, data.draw(st.text("theca \n.abcd's", max_size=60)))
    ids = data.draw(st.lists(st.integers(0, vocabulary.size - 1), min_size=1, max_size=12))
    one = grown(vocabulary, prompt.ids, ids).result()
    assert vocabulary.decode(prompt.ids[1:]) + one.text == vocabulary.decode(prompt.ids[1:] + ids)


def test_stop_in_the_prompt_does_not_count(vocabularies: dict[str, Vocabulary]) -> None:
    vocabulary = vocabularies["bytes"]
    prompt = prompt_of(vocabulary, "Q: abc\nA:")
    ids = vocabulary.encode(" the\nQ: a")
    assert grown(vocabulary, prompt.ids, ids, stop=["\n\n", "A: the", "\nQ:"]).result().text == " the"


def test_end_of_a_document_is_no_text(vocabularies: dict[str, Vocabulary]) -> None:
    vocabulary = vocabularies["bytes"]
    ids = [*vocabulary.encode(" the"), vocabulary.document_end_id]
    found = grown(vocabulary, [vocabulary.document_end_id], [*ids, 3], end_of_document=True).result()
    assert (found.text, found.reason, found.ids) == (" the", "end", ids)
    assert grown(vocabulary, [3], ids).result().text == " the<|endoftext|>"


@pytest.mark.parametrize("kind", STOPS)
def test_sure_text_grows_to_the_whole_text(kind: str, vocabularies: dict[str, Vocabulary]) -> None:
    """Whatever was sent to a reader stays as it is."""
    vocabulary = vocabularies[kind]
    begin, follows, stop = STOPS[kind]
    prompt = prompt_of(vocabulary, begin).ids
    ids = vocabulary.encode(begin + " " + follows if kind != "bytes" else begin + follows)[len(prompt) - 1 :]
    for stops in ([], [stop]):
        one = Continuation(vocabulary, Prompt(prompt), GenerationSettings(tokens=len(ids), stop=stops))
        sent = ""
        for index in ids:
            if one.reason is None:
                one.add(index)
                assert one.sure_text.startswith(sent)
                sent = one.sure_text
        assert sent == one.result().text
