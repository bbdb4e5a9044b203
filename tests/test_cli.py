"""The command line: `pretrace generate`, and that bad input is one line and exit code 1."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import pytest

from pretrace.cli import build_parser, main
from tests.helpers.small_run import refused, run, write_settings

COMMANDS = ("check", "generate", "predict", "evaluate", "search", "export", "diff", "gate", "trace", "track")


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
    shutil.move("models/pretrained/gpt1/transformer", "elsewhere")
    assert run(capsys, "generate", "elsewhere", "--prompt", "the cat", "--temperature", "0") == one


def test_generate_escapes_control_sequences(repository: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("pretrace.inference.generate_texts.generate_texts", lambda *_: iter([CONTROLS, "on"]))
    assert run(capsys, "generate", "--prompt", "the") == "the \\x1b[2Jcat\nsat\\r\\x9b5n\n\non\n"


def test_generate_without_a_model_is_one_line(project: Path, capsys: Any) -> None:
    assert "models/pretrained/gpt1/transformer: no model there" in refused(capsys, "generate", "--prompt", "the")


def test_generate_takes_the_model_of_the_first_system(repository: Path, capsys: Any) -> None:
    shutil.copy("systems/gpt1.yaml", "systems/other.yaml")
    write_settings(repository, {"systems": ["other", "gpt1"]})
    assert "models/pretrained/other/transformer: no model there" in refused(capsys, "generate", "--prompt", "the")
    write_settings(repository, {"systems": ["gpt1", "other"]})
    assert run(capsys, "generate", "--prompt", "the")


CONTROLS = "the \x1b[2Jcat\nsat\r\x9b5n"
NUMBERS = {
    "generate": (
        *("--tokens", "--number", "--temperature", "--top-k", "--top-p", "--seed", "--beams", "--length-penalty"),
    ),
    "evaluate": ("--stride",),
}
NO_NUMBERS = ("", "nan", "inf", "1_0", "0x1", "-1", str(2**64), "1e400", "9" * 5000, "\u0661", "1 2", "\x1b[2J")


def number_options(command: str) -> dict[str, str]:
    """The options of a command that take a number, and all names of each."""
    (commands,) = (one for one in build_parser()._actions if isinstance(one, argparse._SubParsersAction))
    numbers = (one for one in commands.choices[command]._actions if one.type is not None)
    return {one.option_strings[0]: "/".join(one.option_strings) for one in numbers}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_number_is_bounded_with_one_line(command: str, capsys: Any) -> None:
    options = number_options(command)
    assert set(options) == set(NUMBERS.get(command, ()))
    for option, names in options.items():
        for text in NO_NUMBERS:
            with pytest.raises(SystemExit, match="2"):
                main([command, f"{option}={text}"])
            said = capsys.readouterr().err
            assert said.startswith(f"pretrace {command}: argument {names}: takes ") and said.count("\n") == 1
            assert len(said) < 400 and "\x1b" not in said


@pytest.mark.parametrize("wrong", ["--tokens=0", "--temperature=1e-40", "--top=0"])
def test_generate_refuses_numbers_below_its_bounds(wrong: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["generate", "--prompt", "the", wrong])


def test_generate_takes_the_ends_of_its_bounds(repository: Path, capsys: Any) -> None:
    run(capsys, "generate", "--tokens=2", "--seed=4294967295", "--temperature=0.001", "--top=1000000000")
    run(capsys, "generate", "--tokens=2", "--temperature=1e3")


def test_help_shows_defaults_examples_and_exit_codes(capsys: Any) -> None:
    expected = {"--help": ("examples:", "exit codes:"), "generate --help": ("(default: 40)", "(default: 0)")}
    for command, texts in expected.items():
        with pytest.raises(SystemExit, match="0"):
            main(command.split())
        help_text = " ".join(capsys.readouterr().out.split())
        assert all(text in help_text for text in texts)


def test_search_before_the_rows_are_made_is_one_line(repository: Path, capsys: Any) -> None:
    assert "data/encoded/gpt1/topic/task.json: no such file" in refused(capsys, "search")
