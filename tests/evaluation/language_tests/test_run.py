"""Choices and perplexity, on rows made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from pretrace.common.errors import PretraceError
from pretrace.evaluation.language_tests.run import choice, prepare_tests, read_choices
from pretrace.evaluation.perplexity import evaluate
from pretrace.model import Transformer, save_model
from pretrace.settings import LanguageColumns, LanguageTest, ModelSettings
from pretrace.tokens import Vocabulary, load_vocabulary
from pretrace.training.engine.device import Device
from tests.helpers.bigram_model import Bigrams, Words
from tests.helpers.small_vocabulary import write_openai_vocabulary

CPU = Device("cpu", torch.float32, "")
COLUMNS = LanguageColumns()


def table(path: Path, **columns: list[Any]) -> str:
    pd.DataFrame(columns).to_json(path, orient="records", lines=True)
    return str(path)


@pytest.mark.parametrize("listed", [True, False])
def test_choice_takes_the_highest_mean_log_probability(tmp_path: Path, listed: bool) -> None:
    vocabulary = Words("what now ? a b c")
    model = Bigrams(vocabulary, {"?": {"a": 0.6, "b": 0.2}, "b": {"c": 0.9}, "c": {"c": 0.9}})
    answers = [["b", "a"], ["a", "b c c c c c"], ["a", "c"]]
    rows = {"context": ["what", "what", "now"], "question": ["now?", "now?", "?"], "label": ["B", 1, "1"]}
    split = {"one": [own[0] for own in answers], "two": [own[1] for own in answers]}
    file = table(tmp_path / "rows.jsonl", **rows, **({"choices": answers} if listed else split))
    columns = LanguageColumns(question="question", target="label", choices="choices" if listed else ["one", "two"])
    found = choice(model, CPU, read_choices(file, vocabulary, columns))
    assert found.accuracy == pytest.approx(2 / 3, abs=1e-6)
    assert (found.n, found.chance) == (3, 0.5)


def test_choice_rows_may_differ_in_their_number_of_answers(tmp_path: Path) -> None:
    vocabulary = Words("x a b c")
    model = Bigrams(vocabulary, {"x": {"c": 0.9}})
    file = table(tmp_path / "rows.jsonl", context=["x", "x"], choices=[["a", "b", "c"], ["a", "c"]], target=["C", "A"])
    found = choice(model, CPU, read_choices(file, vocabulary, COLUMNS))
    assert (found.accuracy, found.chance) == (0.5, round((1 / 3 + 1 / 2) / 2, 6))


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


def written_model(folder: Path) -> tuple[Vocabulary, Transformer]:
    write_openai_vocabulary(folder / "vocabulary")
    vocabulary = load_vocabulary(folder / "vocabulary")
    sizes = ModelSettings(
        layers=1, width=16, heads=2, feed_forward=32, context=16, dropout=0.0, embedding_dropout="sum", initial_std=0.3
    )
    model = Transformer(sizes, vocabulary.size, 1)
    save_model(folder, model)
    return vocabulary, model


def test_published_text_is_divided_by_its_own_words(tmp_path: Path) -> None:
    vocabulary, model = written_model(tmp_path)
    (tmp_path / "ptb.txt").write_text(" the dog did n't bark at N % \n")
    test = LanguageTest(protocol="perplexity", file=str(tmp_path / "ptb.txt"), published_as="ptb")
    found = prepare_tests({"t": test}, vocabulary)["t"](model.eval(), CPU)
    expected = evaluate(tmp_path, str(tmp_path / "ptb.txt"), None, "ptb")
    for key in ("published_words", "lost_words", "published_word_perplexity", "published_token_perplexity"):
        assert getattr(found, key) == pytest.approx(expected[key], rel=1e-5)
    assert found.published_words == 8
    with pytest.raises(ValueError, match="`published_as` is for `protocol: perplexity`"):
        LanguageTest(protocol="last_word", file="a.csv", published_as="ptb")


def test_perplexity_test_equals_the_command(tmp_path: Path) -> None:
    vocabulary, model = written_model(tmp_path)
    (tmp_path / "text.txt").write_text("It was the best of times, it was the worst of times. " * 3)
    test = LanguageTest(protocol="perplexity", file=str(tmp_path / "text.txt"), stride=5)
    found = prepare_tests({"times": test}, vocabulary)["times"](model, CPU)
    command = evaluate(tmp_path, str(tmp_path / "text.txt"), 5)
    for key in ("loss", "perplexity", "word_perplexity", "bits_per_byte"):
        assert getattr(found, key) == pytest.approx(command[key], rel=1e-5)
    assert found.protocol == "perplexity: windows of 16 tokens, each 5 after the one before"
    wide = LanguageTest(protocol="perplexity", file=str(tmp_path / "text.txt"), stride=17)
    with pytest.raises(PretraceError, match=r"language_tests\.times: stride: got 17; takes 1 to 16"):
        prepare_tests({"times": wide}, vocabulary)["times"](model, CPU)
