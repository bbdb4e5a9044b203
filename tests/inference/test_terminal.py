"""Conversations in the terminal, with lines that are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pretrace.inference.terminal import chat
from pretrace.settings.models.generation import GenerationSettings
from tests.helpers.served_models import write_model


def talk(folder: Path, *lines: str, seed: int = 3, tokens: int = 8) -> list[str]:
    questions: Iterator[str] = iter(lines)
    shown: list[str] = []
    form = GenerationSettings(tokens=tokens)
    chat(str(folder), "", form, seed, lambda: next(questions, None), shown.append)
    return "".join(shown).split("\n")[1:-1]


def test_answers_depend_on_the_seed_and_what_was_said(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "a", "gpt1", context=128)
    first = talk(folder, "the king\n", "the queen\n")
    assert len(first) == 2
    assert talk(folder, "the king", "the queen", "/quit", "more") == first
    assert talk(folder, "the king", "/forget", "the king")[0] == first[0]
    assert talk(folder, "the king", "/again", seed=3)[0] == first[0]
    assert talk(folder, "/again", "", "the king") == first[:1]


def test_message_that_does_not_fit_is_said_so(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "a", "gpt1", context=32)
    lines = talk(folder, "the king " * 40, "it")
    assert "the model reads 32" in lines[0]
    assert len(lines) == 2


def test_control_characters_are_shown_and_not_sent_to_the_terminal(tmp_path: Path) -> None:
    lines = talk(write_model(tmp_path / "a", context=128), "the abc", tokens=40)
    assert all(character.isprintable() for line in lines for character in line.replace("\t", ""))
