"""`pretrace evaluate MODEL --last-word FILE`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from pretrace.cli import main
from pretrace.evaluation.language_tests.lambada import last_word, read_passages
from pretrace.model import Transformer, save_model
from pretrace.settings import LanguageColumns, ModelSettings
from pretrace.tokens import load_vocabulary
from pretrace.training.engine.device import Device
from tests.helpers.small_vocabulary import write_openai_vocabulary

SIZES = ModelSettings(
    layers=1, width=16, heads=2, feed_forward=32, context=16, dropout=0.0, embedding_dropout="sum", initial_std=0.3
)
ROWS = [
    ("it was the best of", "times"),
    ("it was the winter of", "\N{SNOWMAN}"),
    ("the lazy dog " * 9 + "said", '"Mr.'),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_openai_vocabulary(tmp_path / "vocabulary")
    save_model(tmp_path, Transformer(SIZES, load_vocabulary(tmp_path / "vocabulary").size, 1))
    rows = [json.dumps({"context": context, "target": target}) for context, target in ROWS]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    return tmp_path


def test_command_prints_the_scores_of_last_word(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", str(folder), "--last-word", str(folder / "rows.jsonl")]
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    vocabulary = load_vocabulary(folder / "vocabulary")
    passages = read_passages(str(folder / "rows.jsonl"), vocabulary, LanguageColumns())
    expected = last_word(Transformer(SIZES, vocabulary.size, 1), Device("cpu", torch.float32, ""), passages)
    assert found == {"model": str(folder), "last_word": str(folder / "rows.jsonl"), **expected.as_json()}
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "3 passages" in said
    assert "1 cut to the context, 1 with a word that the vocabulary cannot write" in said
    assert f"{expected.perplexity:,.2f} per word" in said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--last-word", "nowhere.jsonl"], "nowhere.jsonl: no such file"),
        (["--last-word", "rows.jsonl", "--stride", "3"], "--stride goes with --text"),
    ],
)
def test_bad_input_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str) -> None:
    assert main(["evaluate", str(folder), *more]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize("more", [[], ["--text", "a.txt", "--last-word", "b.jsonl"]])
def test_command_takes_text_or_last_word_not_both(folder: Path, more: list[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(["evaluate", str(folder), *more])
    assert error.value.code == 2
