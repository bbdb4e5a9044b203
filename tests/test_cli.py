"""The command line: `pretrace generate`, and that bad input is one line and exit code 1."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pretrace.cli import main
from tests.helpers.small_run import refused, run


def test_generate_continues_the_prompt(repository: Path, capsys: Any) -> None:
    prompt = ("generate", "--prompt", "The CAT", "--tokens", "12")
    text = run(capsys, *prompt)
    assert text.startswith("the cat ")
    assert run(capsys, *prompt) == text
    assert run(capsys, *prompt, "--seed", "1") != text
    cold = run(capsys, *prompt, "--temperature", "0")
    assert run(capsys, *prompt, "--temperature", "0", "--seed", "1") == cold
    run(capsys, "generate")


def test_generate_samples_from_the_top_tokens(repository: Path, capsys: Any) -> None:
    one = run(capsys, "generate", "--prompt", "the cat", "--top", "1", "--temperature", "2")
    assert one == run(capsys, "generate", "--prompt", "the cat", "--temperature", "0")
    shutil.move("models/pretrained/transformer", "elsewhere")
    assert run(capsys, "generate", "elsewhere", "--prompt", "the cat", "--temperature", "0") == one


def test_generate_escapes_control_sequences(repository: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("pretrace.training.engine.generate.generate", lambda *_: "the \x1b[2Jcat\nsat\r\x9b5n")
    assert run(capsys, "generate", "--prompt", "the") == "the \\x1b[2Jcat\nsat\\r\\x9b5n\n"


def test_generate_without_a_model_is_one_line(project: Path, capsys: Any) -> None:
    assert "models/pretrained/transformer: no model there" in refused(capsys, "generate", "--prompt", "the")


@pytest.mark.parametrize("wrong", ["--tokens=0", "--temperature=-1", "--temperature=nan", "--top=0"])
def test_generate_refuses_wrong_numbers(wrong: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["generate", "--prompt", "the", wrong])


def test_help_shows_defaults_examples_and_exit_codes(capsys: Any) -> None:
    expected = {"--help": ("examples:", "exit codes:"), "generate --help": ("(default: 40)", "(default: 0)")}
    for command, texts in expected.items():
        with pytest.raises(SystemExit, match="0"):
            main(command.split())
        help_text = " ".join(capsys.readouterr().out.split())
        assert all(text in help_text for text in texts)


def test_search_before_the_rows_are_made_is_one_line(repository: Path, capsys: Any) -> None:
    assert "data/tasks/topic/task.json: no such file" in refused(capsys, "search")
