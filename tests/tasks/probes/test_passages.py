"""Documents as words and sentences, and their division into the rows' splits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.corpus import Document
from pretrace.tasks.probes.texts import SPLIT_SHARES, chunks, divide
from pretrace.tasks.rows.draws import generator_for
from tests.helpers.pseudo_text import SOURCES, as_text, documents


def test_sentences_end_at_marks_and_at_line_ends() -> None:
    text = as_text(Document("i", "s", "one two . three four\nfive ? six\n\nseven"))
    assert text.words == ("one", "two", ".", "three", "four", "five", "?", "six", "seven")
    assert text.sentences() == [("one", "two", "."), ("three", "four"), ("five", "?"), ("six",), ("seven",)]


@given(st.text(alphabet="ab .?!\n", max_size=60))
def test_sentences_are_the_whole_text(raw: str) -> None:
    text = as_text(Document("i", "s", raw))
    assert [word for sentence in text.sentences() for word in sentence] == raw.split() == list(text.words)
    assert all(text.sentences())


@given(st.integers(0, 40), st.integers(1, 12))
def test_chunks_are_the_text_but_its_end(count: int, length: int) -> None:
    words = [str(number) for number in range(count)]
    runs = chunks(as_text(Document("i", "s", " ".join(words))), length)
    assert [word for run in runs for word in run] == words[: count // length * length]
    assert all(len(run) == length for run in runs)


def test_divide_puts_each_document_in_one_split_by_shares() -> None:
    texts = [as_text(document) for document in documents()]
    divided = divide(texts)
    assert sorted(text.id for split in divided.values() for text in split) == sorted(text.id for text in texts)
    total = sum(len(text.words) for text in texts)
    for split, share in SPLIT_SHARES.items():
        assert sum(len(text.words) for text in divided[split]) == pytest.approx(share * total, rel=0.25)
        assert {text.source for text in divided[split]} == set(SOURCES)


def test_divide_ignores_the_order_of_documents() -> None:
    texts = [as_text(document) for document in documents()]
    shuffled = [texts[i] for i in np.random.default_rng(0).permutation(len(texts))]
    one, other = ({s: sorted(t.id for t in part) for s, part in divide(x).items()} for x in (texts, shuffled))
    assert one == other


def test_divide_pools_sources_of_one_document() -> None:
    texts = [as_text(Document("only", f"s{number}", "word " * 100)) for number in range(50)]
    sizes = {split: len(part) for split, part in divide(texts).items()}
    assert sizes == {"train": 30, "dev": 6, "test": 14}


def test_generator_is_a_function_of_names() -> None:
    first, again, other = (generator_for(*names).integers(0, 1 << 60) for names in (("a", "b"), ("a", "b"), ("ab",)))
    assert first == again != other
    assert generator_for("fixed").permutation(6).tolist() == [5, 4, 1, 3, 2, 0]  # for ever: rows are drawn so
