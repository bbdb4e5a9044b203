"""Last words, choices and perplexity, on rows made by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from pretrace.corpus import clean_text
from pretrace.errors import PretraceError
from pretrace.evaluate import evaluate
from pretrace.model import GPT, save_model
from pretrace.settings import LanguageColumns, LanguageTest, ModelSettings
from pretrace.training.devices import Device
from pretrace.vocabulary import load_vocabulary
from pretrace.zeroshot.language_tests import choice, prepared_tests, read_choices
from pretrace.zeroshot.last_word import last_word, read_passages
from tests.helpers.bigram_model import Bigrams, Words
from tests.helpers.small_vocabulary import write_openai_vocabulary

CPU = Device("cpu", torch.float32, "")
COLUMNS = LanguageColumns()


def table(path: Path, **columns: list[Any]) -> str:
    pd.DataFrame(columns).to_json(path, orient="records", lines=True)
    return str(path)


def test_last_words_by_hand(tmp_path: Path) -> None:
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
    assert found["accuracy"] == 0.6
    assert found["stderr"] == pytest.approx(math.sqrt(0.6 * 0.4 / 5), abs=1e-6)
    assert found["perplexity"] == pytest.approx(math.exp(-sum(logs) / 5), rel=1e-4)
    assert found["token_perplexity"] == pytest.approx(math.exp(-sum(logs) / 6), rel=1e-4)
    assert {key: found[key] for key in ("n", "tokens", "reachable", "cut")} == dict(n=5, tokens=6, reachable=4, cut=0)


def test_all_pieces_of_the_word_and_the_last_alone(tmp_path: Path) -> None:
    """The first piece is wrong and the last right: a hit for the figure of the last token only."""
    vocabulary = Words('saw the " sara')
    model = Bigrams(vocabulary, {"saw": {"the": 0.9}, '"': {"sara": 0.9}})
    file = table(tmp_path / "rows.jsonl", context=["saw"], target=['"Sara'])
    found = last_word(model, CPU, read_passages(file, vocabulary, COLUMNS))
    assert (found["accuracy"], found["last_token_accuracy"]) == (0, 1)


def test_an_unknown_word_is_wrong_even_where_the_model_says_unknown(tmp_path: Path) -> None:
    vocabulary = Words("the dog")
    model = Bigrams(vocabulary, {"the": {"never": 0.9}})  # "never" is unknown, too
    file = table(tmp_path / "rows.jsonl", context=["the"], target=["unicorn"])
    found = last_word(model, CPU, read_passages(file, vocabulary, COLUMNS))
    assert (found["accuracy"], found["last_token_accuracy"], found["reachable"]) == (0, 0, 0)


def test_a_long_passage_keeps_its_end(tmp_path: Path) -> None:
    vocabulary = Words("a b c")
    model = Bigrams(vocabulary, {"b": {"c": 0.9}}, context=4)
    file = table(tmp_path / "rows.jsonl", context=["a " * 30 + "b"], target=["c"])
    found = last_word(model, CPU, read_passages(file, vocabulary, COLUMNS))
    assert (found["accuracy"], found["cut"]) == (1, 1)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"context": ["a"], "word": ["b"]}, "no column 'target'; it has context, word"),
        ({"context": ["a", "b"], "target": ["b", " "]}, "row 2: column 'target': is empty"),
        ({"context": ["a", None], "target": ["b", "c"]}, "row 2: column 'context': is missing"),
        ({"context": [], "target": []}, "has no rows"),
    ],
)
def test_bad_passages_are_named(tmp_path: Path, columns: dict[str, list[Any]], said: str) -> None:
    pd.DataFrame(columns).to_parquet(tmp_path / "rows.parquet")
    test = LanguageTest(protocol="last_word", file=str(tmp_path / "rows.parquet"))
    with pytest.raises(PretraceError, match=rf"language_tests\.lambada: .*rows\.parquet: {said}"):
        prepared_tests({"lambada": test}, Words("a b"))


def test_a_missing_file_is_named() -> None:
    test = LanguageTest(protocol="last_word", file="nowhere.jsonl")
    with pytest.raises(PretraceError, match=r"language_tests\.lambada: nowhere\.jsonl: no such file"):
        prepared_tests({"lambada": test}, Words("a b"))


def test_rows_are_taken_at_even_distances(tmp_path: Path) -> None:
    words = list("abcdefghij")
    file = table(tmp_path / "rows.jsonl", context=words, target=words)
    vocabulary = Words(" ".join(words))
    found = read_passages(file, vocabulary, COLUMNS, 4)
    assert [vocabulary.decode(question.asked.tolist()) for question in found.questions] == ["a", "c", "f", "h"]


@pytest.mark.parametrize("listed", [True, False])
def test_choices_by_mean_log_probability(tmp_path: Path, listed: bool) -> None:
    vocabulary = Words("what now ? a b c")
    model = Bigrams(vocabulary, {"?": {"a": 0.6, "b": 0.2}, "b": {"c": 0.9}, "c": {"c": 0.9}})
    answers = [["b", "a"], ["a", "b c c c c c"], ["a", "c"]]
    rows = {"context": ["what", "what", "now"], "question": ["now?", "now?", "?"], "label": ["B", 1, "1"]}
    split = {"one": [own[0] for own in answers], "two": [own[1] for own in answers]}
    file = table(tmp_path / "rows.jsonl", **rows, **({"choices": answers} if listed else split))
    columns = LanguageColumns(question="question", target="label", choices="choices" if listed else ["one", "two"])
    found = choice(model, CPU, read_choices(file, vocabulary, columns))
    assert found["accuracy"] == pytest.approx(2 / 3, abs=1e-6)
    assert (found["n"], found["chance"]) == (3, 0.5)


def test_rows_may_have_more_or_fewer_choices(tmp_path: Path) -> None:
    vocabulary = Words("x a b c")
    model = Bigrams(vocabulary, {"x": {"c": 0.9}})
    file = table(tmp_path / "rows.jsonl", context=["x", "x"], choices=[["a", "b", "c"], ["a", "c"]], target=["C", "A"])
    found = choice(model, CPU, read_choices(file, vocabulary, COLUMNS))
    assert (found["accuracy"], found["chance"]) == (0.5, round((1 / 3 + 1 / 2) / 2, 6))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": "D"}, "row 2: column 'target': got 'D'; takes A to B, or a number from 0 to 1"),
        ({"choices": ["a"]}, "row 2: column 'choices': a list of two answers or more expected"),
        ({"choices": ["a", 7]}, "row 2: column 'choices': text expected, got 7"),
    ],
)
def test_bad_choices_are_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    rows = [{"context": "x", "choices": ["a", "b"], "target": "A"} for _ in range(3)]
    rows[1] |= change
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(PretraceError, match=said):
        read_choices(str(tmp_path / "rows.jsonl"), Words("x a b"), COLUMNS)


def test_perplexity_is_that_of_the_command(tmp_path: Path) -> None:
    write_openai_vocabulary(tmp_path / "vocabulary")
    vocabulary = load_vocabulary(tmp_path / "vocabulary")
    sizes = ModelSettings(
        layers=1, width=16, heads=2, feed_forward=32, context=16, dropout=0.0, embedding_dropout="sum", initial_std=0.3
    )
    model = GPT(sizes, vocabulary.size, 1)
    save_model(tmp_path, model)
    (tmp_path / "text.txt").write_text("It was the best of times, it was the worst of times. " * 3)
    test = LanguageTest(protocol="perplexity", file=str(tmp_path / "text.txt"), stride=5)
    found = prepared_tests({"times": test}, vocabulary)["times"](model, CPU)
    command = evaluate(tmp_path, str(tmp_path / "text.txt"), 5)
    for key in ("loss", "perplexity", "word_perplexity", "bits_per_byte"):
        assert found[key] == pytest.approx(command[key], rel=1e-5)
    assert found["protocol"] == "perplexity: windows of 16 tokens, each 5 after the one before"
    wide = LanguageTest(protocol="perplexity", file=str(tmp_path / "text.txt"), stride=17)
    with pytest.raises(PretraceError, match=r"language_tests\.times: stride: got 17; takes 1 to 16"):
        prepared_tests({"times": wide}, vocabulary)["times"](model, CPU)


def test_lambada_as_published_splits_where_it_says(shared: Path) -> None:
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
