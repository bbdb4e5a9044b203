"""`pretrace generate`: several prompts and several texts for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.small_run import refused, run

PROMPTS = ("the cat", "on a mat", "we went")


def texts(capsys: Any, *arguments: str) -> list[str]:
    return run(capsys, "generate", "--tokens", "6", *arguments).removesuffix("\n").split("\n\n")


def test_several_prompts_have_the_texts_of_each(repository: Path, capsys: Any) -> None:
    """The n-th text has the n-th seed, and a file has the texts of options."""
    asked = [part for prompt in PROMPTS for part in ("--prompt", prompt)]
    several = texts(capsys, *asked, "--seed", "5", "--number", "2")
    for number, text in enumerate(several):
        assert [text] == texts(capsys, "--prompt", PROMPTS[number // 2], "--seed", str(5 + number))
    (repository / "prompts").write_text("\n".join(PROMPTS))
    assert texts(capsys, "--file", "prompts", "--seed", "5", "--number", "2") == several


def test_searched_texts_are_the_best_ones(repository: Path, capsys: Any) -> None:
    best = texts(capsys, "--prompt", "the cat", "--beams", "3", "--number", "3")
    assert len(set(best)) == 3 and all(text.startswith("the cat") for text in best)
    assert texts(capsys, "--prompt", "the cat", "--beams", "3") == best[:1]
    assert "--number 4: a search with 3 beams has at most 3" in refused(
        capsys, "generate", "--beams", "3", "--number", "4"
    )


def test_texts_end_before_a_stop_text(repository: Path, capsys: Any) -> None:
    (whole,) = texts(capsys, "--prompt", "the cat", "--seed", "3")
    stop = whole[len("the cat") + 3 :][:2].strip()
    (cut,) = texts(capsys, "--prompt", "the cat", "--seed", "3", "--stop", "zzz", "--stop", stop)
    assert whole.startswith(cut) and len(cut) < len(whole) and stop not in cut[len("the cat") :]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--prompt", "the c\u00e4t"], "prompt 'the c\u00e4t': the vocabulary has no token for '\u00e4'"),
        (["--stop", "Cat"], "--stop 'Cat': the vocabulary writes this as 'cat'; give it so"),
        (["--stop", ""], "options: stop.0: got ''"),
        (["--length-penalty", "1"], "options: `length_penalty` is for `beams` of 2 or more"),
        (["--file", "blank"], "blank: row 2: is blank"),
        (["--file", "empty"], "empty: has no rows"),
        (["--file", "none"], "none: no such file"),
    ],
)
def test_bad_prompts_are_one_line(repository: Path, capsys: Any, arguments: list[str], words: str) -> None:
    (repository / "blank").write_text("the\n \nthe\n")
    (repository / "empty").write_text("")
    assert words in refused(capsys, "generate", *arguments)
