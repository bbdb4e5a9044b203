"""Rows made by GPT-3's rules, beside those that OpenAI published, where these are."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from pretrace.common.errors import PretraceError
from pretrace.sequences.made.scrambled import BETWEEN, FREE, frequent_words, scramble
from pretrace.sequences.read import read_sequences
from pretrace.settings.sequences.task import Arithmetic, Scrambled, SequenceTask

WORDS = [f"{one}{other}ing" for one in ("carp", "park", "whist", "ponder") for other in ("ent", "in", "los", "mab")]


def made(kind: str, root: Path | str = ".", **values: Any) -> list[tuple[str, str]]:
    task = SequenceTask.model_validate({"made": kind, "metrics": ["exact"], **values})
    data = read_sequences("made", task, root)
    assert all(data.splits.values())
    sources = [row.source for rows in data.splits.values() for row in rows]
    assert len(set(sources)) == len(sources)
    return [(row.source, row.targets[0]) for rows in data.splits.values() for row in rows]


def published(kind: str, shared: Path, file: str) -> list[tuple[str, str]]:
    path = shared / "data" / "tasks" / "gpt3_synthetic" / f"{file}.parquet"
    columns = {"source": "context", "target": "completion"}
    entry = {"test": str(path), "where": {"task": kind}, "columns": columns, "metrics": ["exact"]}
    data = read_sequences("published", SequenceTask.model_validate(entry))
    return [(row.source, row.targets[0]) for split in ("dev", "test") for row in data.splits[split]]


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted({*get_args(Arithmetic)} - {"three_digit_subtraction"}))  # the copy lacks it
def test_arithmetic_has_the_form_and_distribution_of_openai_s(kind: str, shared: Path) -> None:
    from scipy.stats import ks_2samp

    ours, theirs = made(kind), published(kind, shared, "arithmetic")
    written = [(f"\n\nQ: {question}\n\nA:", f" {answer}") for question, answer in ours]
    forms = [Counter(re.sub(r"\d+", "n", question) for question, _ in rows) for rows in (written, theirs)]
    assert forms[0].keys() == forms[1].keys()
    for place in range(len(numbers(ours[0][0]))):
        own, others = ([numbers(question)[place] for question, _ in rows] for rows in (written, theirs))
        assert ks_2samp(own, others).pvalue > 1e-4
    answers = [np.array([int(answer) for _, answer in rows]) for rows in (written, theirs)]
    assert ks_2samp(*answers).pvalue > 1e-4
    assert all(answer == " " + answer.strip() for _, answer in written)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mid_word_1_anagrams", "mid_word_2_anagrams", "random_insertion_in_word"])
def test_scrambled_words_follow_the_rules_of_openai_s(kind: str, shared: Path) -> None:
    theirs = published(kind, shared, "word_scramble")
    for question, answer in theirs[:2000]:
        check_rule(kind, question.strip().removesuffix(" ="), answer.strip())
    signs = Counter(sign for question, _ in theirs for sign in question[2:-2:2])
    if kind == "random_insertion_in_word":
        assert set(signs) == set(BETWEEN)


@pytest.mark.parametrize("kind", get_args(Scrambled))
def test_scrambled_words_follow_their_rule(kind: str, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("\n".join([*WORDS, "aaaaaa", ""]))
    rows = made(kind, tmp_path, words="words.txt")
    for question, answer in rows:
        check_rule(kind, question, answer)
        assert question != answer


def check_rule(kind: str, question: str, answer: str) -> None:
    if kind == "random_insertion_in_word":
        assert question[::2] == answer
        assert set(question[1::2]) <= set(BETWEEN)
        return
    assert sorted(question) == sorted(answer)
    if kind in FREE:
        ends = FREE[kind]
        assert (question[:ends], question[-ends:]) == (answer[:ends], answer[-ends:])
    elif kind == "reversed_words":
        assert question == answer[::-1]
    else:
        assert question in answer + answer


def test_a_word_without_another_order_is_refused() -> None:
    with pytest.raises(ValueError, match="stays the same"):
        scramble("mid_word_1_anagrams", "baaab", np.random.default_rng(0))


def test_words_are_the_most_frequent_of_a_text() -> None:
    texts = ["The others, others' and others were there. There!", "O'Reilly wrote well-known abcdefghijklmnop twice"]
    assert frequent_words(texts) == ["others", "there", "twice", "wrote"]


def test_few_words_are_refused(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("others\n")
    with pytest.raises(PretraceError, match=r"sequences\.made: words\.txt has 1 words to scramble; takes 10"):
        made("reversed_words", tmp_path, words="words.txt")


def test_novel_words_have_a_definition_and_a_sentence() -> None:
    task = SequenceTask.model_validate({"made": "novel_words", "metrics": ["uses_source"]})
    splits = read_sequences("novel", task).splits
    assert [len(splits[split]) for split in ("train", "dev", "test")] == [144, 48, 96]
    rows = [row for split in splits for row in splits[split]]
    assert len({row.source for row in rows}) == len(rows)
    for row in rows:
        assert re.fullmatch(r"(A|To) \"(\w+)\" (is|means) [^\"]+\.", row.context)
        assert f'"{row.source}"' in row.context
        assert len(re.findall(rf"\b{row.source}\b", row.targets[0])) == 1
    meanings = [{row.context.partition('" ')[2] for row in splits[split]} for split in splits]
    assert not meanings[0] & meanings[1] | meanings[1] & meanings[2] | meanings[0] & meanings[2]
    assert splits == read_sequences("another", task).splits
