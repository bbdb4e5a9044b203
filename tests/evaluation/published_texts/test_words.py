"""Published words become plain text that gives them back, whatever they are."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.evaluation.published_texts.corpora import RULES, PublishedSize, plain_text, published_size
from pretrace.settings.zero_shot import PublishedAs

PAIRS = {
    "wikitext": [
        (" = = Reception = = ", "== Reception =="),
        ("He was born in 1 @,@ 900 @-@ year @-@ old Leeds .", "He was born in 1,900-year-old Leeds."),
        ("It rose by 3 @.@ 5 % ( to $ 50 ) , he said .", "It rose by 3.5% (to $50), he said."),
        ("He said : \" It 's Robert 's , don 't go ! \" ...", "He said: \"It's Robert's, don't go!\"..."),
        ("the boys ' house and <unk> @-@ <unk> 's", "the boys' house and <unk>-<unk>'s"),
        ("Mr. Smith of the U.S. left the U.S. .", "Mr. Smith of the U.S. left the U.S.."),
        ("It was plan B .", "It was plan B ."),
        ("", ""),
    ],
    "ptb": [
        ("mr. <unk> did n't say the company 's N % stake", "mr. <unk> didn't say the company's N% stake"),
        ("the workers ' $ N billion they 'll lose", "the workers' $N billion they'll lose"),
        ("at N N a.m. the dow was down N-year-old", "at N N a.m. the dow was down N-year-old"),
    ],
    "one_billion_words": [
        ('" We know , " he said , " they \'re vital . "', '"We know," he said, "they\'re vital."'),
        ("Long-term rates ( N ) rose to 3.5 % .", "Long-term rates (N) rose to 3.5%."),
    ],
}


@pytest.mark.parametrize(
    ("name", "published", "plain"), [(name, *pair) for name, pairs in PAIRS.items() for pair in pairs]
)
def test_plain_text_of_published_words(name: str, published: str, plain: str) -> None:
    assert RULES[name].plain_line(published) == plain
    assert RULES[name].published_line(plain) == " ".join(published.split())
    assert RULES[name].lost_words(published) == []


HOSTILE = [
    *"\"'.,;:!?()[]{}%$#=-@<>_&/",
    *("@-@", "@,@", "@.@", "<unk>", "N", "n't", "'s", "'S", "'", "''", "``", "...", "....", "..", "==", "= =", "--"),
    *("a", "s", "Mr", "Mr.", "U.S.", "U.S", "x", "1", "3.5", "1,000", "a-b", "don't", "boys'", "é", "\u0301", "\u200b"),
    *("٣", "٣.٣", "A", "B.", "日本", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "\x00", "\xad"),
]
WORDS = st.lists(
    st.one_of(
        st.sampled_from(HOSTILE),
        st.text(st.sampled_from("a1s.,'\"-@<>()[]%$=:;!?n"), min_size=1, max_size=6),
        st.text(min_size=1, max_size=4),
    ),
    max_size=12,
)


@pytest.mark.parametrize("name", sorted(RULES))
@settings(max_examples=1000, deadline=None)
@given(words=WORDS)
def test_words_are_restored_but_for_those_that_are_counted(name: str, words: list[str]) -> None:
    rules, line = RULES[name], " ".join(" ".join(words).split())
    plain = rules.plain_line(line)
    lost = rules.lost_words(line)
    if not lost:
        assert rules.published_line(plain) == line
    assert all(rules.words_of(word) != [word] for word in lost)
    kept = " ".join(word for word in line.split() if rules.words_of(word) == [word])
    assert rules.lost_words(kept) == []
    assert rules.published_line(rules.plain_line(kept)) == kept


@pytest.mark.parametrize("name", sorted(RULES))
@settings(max_examples=100, deadline=None)
@given(words=st.lists(st.sampled_from([word for word in HOSTILE if word.strip()]), max_size=12))
def test_text_keeps_its_lines_and_letters(name: str, words: list[str]) -> None:
    text = "\n".join(" ".join(words[at : at + 3]) for at in range(0, 12, 3))
    plain = plain_text(text, RULES[name])
    assert plain.count("\n") == text.count("\n")
    if "@" not in text:
        assert "".join(plain.split()) == "".join(text.split())


def test_rules_are_those_of_the_settings() -> None:
    assert set(RULES) == set(get_args(PublishedAs))


def test_sizes_are_those_of_the_published_text() -> None:
    text = " = Title = \n \n The cat ( a pet ) ran 3.5 miles . \n"
    assert published_size(text, RULES["wikitext"]) == PublishedSize(words=13, lines=2, lost=1)
    assert published_size("", RULES["ptb"]) == PublishedSize()


def test_words_that_lm_evaluation_harness_would_lose_stay() -> None:
    """Its rules write `1` for `N`; a text with both is then not known again."""
    assert RULES["ptb"].plain_line("a N 1 <unk>") == "a N 1 <unk>"


def test_plain_text_of_wikitext_is_that_of_the_harness() -> None:
    harness = pytest.importorskip("lm_eval.tasks.wikitext.preprocess_wikitext", reason="needs lm-evaluation-harness")
    for published, _ in PAIRS["wikitext"][1:2]:
        assert harness.wikitext_detokenizer({"page": published}) == RULES["wikitext"].plain_line(published)


@pytest.mark.slow
def test_lines_of_a_tokenized_corpus_are_restored(shared: Path) -> None:
    """Sentences tokenized by several programs, so that a few words are apart here and together there."""
    file = shared / "data" / "translation" / "wmt_en_de" / "train_10k_tokenised.parquet"
    if not file.exists():
        pytest.skip(f"needs {file}")
    rules, words, lost = RULES["one_billion_words"], 0, 0
    for line in pyarrow.parquet.read_table(file, columns=["en"])["en"].to_pylist()[:500]:
        gone = rules.lost_words(line)
        assert gone or rules.published_line(rules.plain_line(line)) == " ".join(line.split())
        words, lost = words + len(line.split()), lost + len(gone)
    assert lost < 0.02 * words
