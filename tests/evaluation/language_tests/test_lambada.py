"""Last words, on passages made by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from pretrace.common.errors import PretraceError
from pretrace.corpus import clean_text
from pretrace.evaluation.language_tests.lambada import last_word, read_passages
from pretrace.evaluation.language_tests.run import prepare_tests
from pretrace.settings import LanguageColumns, LanguageTest
from pretrace.tokens import load_vocabulary
from pretrace.training.engine.device import Device
from tests.helpers.bigram_model import Bigrams, Words

CPU = Device("cpu", torch.float32, "")
COLUMNS = LanguageColumns()


def table(path: Path, **columns: list[Any]) -> str:
    pd.DataFrame(columns).to_json(path, orient="records", lines=True)
    return str(path)


def test_last_word_scores_match_a_worked_example(tmp_path: Path) -> None:
    vocabulary = Words('she saw the dog cat " sara .')
    after = {
        "the": {"dog": 0.5, "cat": 0.25},
        "saw": {'"': 0.6, "the": 0.2},
        '"': {"sara": 0.7, "dog": 0.2},
        "dog": {".": 0.9},
    }
    model = Bigrams(vocabulary, after)
    contexts = ["She saw the", "she saw the", "She saw", "the", "the"]
    targets = ["dog", "Cat", '"Sara', "unicorn", "dog"]
    passages = read_passages(table(tmp_path / "rows.jsonl", context=contexts, target=targets), vocabulary, COLUMNS)
    found = last_word(model, CPU, passages)
    rest = (1 - 0.5 - 0.25) / (vocabulary.size - 2)  # what is left for each of the others after "the"
    logs = [math.log(0.5), math.log(0.25), math.log(0.6) + math.log(0.7), math.log(rest), math.log(0.5)]
    assert found.accuracy == 0.6
    assert found.stderr == pytest.approx(math.sqrt(0.6 * 0.4 / 5), abs=1e-6)
    assert found.perplexity == pytest.approx(math.exp(-sum(logs) / 5), rel=1e-4)
    assert found.token_perplexity == pytest.approx(math.exp(-sum(logs) / 6), rel=1e-4)
    assert (found.n, found.tokens, found.reachable, found.cut) == (5, 6, 4, 0)


def test_accuracy_is_of_all_tokens_or_of_the_last(tmp_path: Path) -> None:
    """The first piece is wrong and the last right: a hit for the figure of the last token only."""
    vocabulary = Words('saw the " sara')
    model = Bigrams(vocabulary, {"saw": {"the": 0.9}, '"': {"sara": 0.9}})
    file = table(tmp_path / "rows.jsonl", context=["saw"], target=['"Sara'])
    found = last_word(model, CPU, read_passages(file, vocabulary, COLUMNS))
    assert (found.accuracy, found.last_token_accuracy) == (0, 1)


def test_unknown_word_is_wrong_even_if_predicted_as_unknown(tmp_path: Path) -> None:
    vocabulary = Words("the dog")
    model = Bigrams(vocabulary, {"the": {"never": 0.9}})  # "never" is unknown, too
    file = table(tmp_path / "rows.jsonl", context=["the"], target=["unicorn"])
    found = last_word(model, CPU, read_passages(file, vocabulary, COLUMNS))
    assert (found.accuracy, found.last_token_accuracy, found.reachable) == (0, 0, 0)


def test_long_passage_is_cut_at_its_beginning(tmp_path: Path) -> None:
    vocabulary = Words("a b c")
    model = Bigrams(vocabulary, {"b": {"c": 0.9}}, context=4)
    file = table(tmp_path / "rows.jsonl", context=["a " * 30 + "b"], target=["c"])
    found = last_word(model, CPU, read_passages(file, vocabulary, COLUMNS))
    assert (found.accuracy, found.cut) == (1, 1)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"context": ["a"], "word": ["b"]}, "no column 'target'; it has 'context', 'word'"),
        ({"context": ["a", "b"], "target": ["b", " "]}, "row 2: column 'target': is empty"),
        ({"context": ["a", None], "target": ["b", "c"]}, "row 2: column 'context': is empty"),
        ({"context": [], "target": []}, "has no rows"),
    ],
)
def test_bad_passages_are_named(tmp_path: Path, columns: dict[str, list[Any]], said: str) -> None:
    pd.DataFrame(columns).to_parquet(tmp_path / "rows.parquet")
    test = LanguageTest(protocol="last_word", file=str(tmp_path / "rows.parquet"))
    with pytest.raises(PretraceError, match=rf"language_tests\.lambada: .*rows\.parquet: {said}"):
        prepare_tests({"lambada": test}, Words("a b"))


def test_missing_file_is_named() -> None:
    test = LanguageTest(protocol="last_word", file="nowhere.jsonl")
    with pytest.raises(PretraceError, match=r"language_tests\.lambada: nowhere\.jsonl: no such file"):
        prepare_tests({"lambada": test}, Words("a b"))


def test_row_limit_takes_evenly_spaced_rows(tmp_path: Path) -> None:
    words = list("abcdefghij")
    file = table(tmp_path / "rows.jsonl", context=words, target=words)
    vocabulary = Words(" ".join(words))
    found = read_passages(file, vocabulary, COLUMNS, 4)
    assert [vocabulary.decode(question.asked.tolist()) for question in found.questions] == ["a", "c", "f", "h"]


@pytest.mark.slow
def test_published_lambada_splits_at_the_last_word(shared: Path) -> None:
    """Passage and word cleaned apart are the same words as cleaned together, so nothing depends on the cut."""
    rows = pd.read_parquet(shared / "data/lm/lambada_test.parquet").iloc[::20]
    pairs = list(zip(rows.context, rows.target, strict=True))
    whole = [clean_text(f"{context} {target}").split() for context, target in pairs]
    apart = [clean_text(context).split() + clean_text(target).split() for context, target in pairs]
    assert whole == apart
    vocabulary = load_vocabulary(shared / "data/bpe")
    passages = read_passages(str(shared / "data/lm/lambada_test.parquet"), vocabulary, COLUMNS, 300)
    assert len(passages.questions) == 300
    assert passages.reachable.all()
    assert np.mean([len(question.asked) for question in passages.questions]) < 1.2
