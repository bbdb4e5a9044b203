"""Numbers of a command line: what is taken, and the line for what is not."""

from __future__ import annotations

import argparse
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.common.arguments import Parser, number, whole_number


@given(st.integers())
def test_whole_number_is_taken_within_its_bounds_only(value: int) -> None:
    read = whole_number(-5, 100)
    if -5 <= value <= 100:
        assert read(str(value)) == value
    else:
        with pytest.raises(argparse.ArgumentTypeError, match="takes a whole number from -5 to 100, got "):
            read(str(value))


@given(st.floats())
def test_number_is_taken_within_its_bounds_only(value: float) -> None:
    read = number(0.5, 100, or_zero=True)
    if value == 0 or 0.5 <= value <= 100:
        assert read(repr(value)) == value
    else:
        with pytest.raises(argparse.ArgumentTypeError, match=r"takes 0, or a number from 0\.5 to 100, got "):
            read(repr(value))


@given(st.text())
def test_any_text_is_a_plain_number_or_refused(text: str) -> None:
    for read in (whole_number(0, 10**9), number(0, 1e9)):
        try:
            value = read(text)
        except argparse.ArgumentTypeError:
            continue
        assert text.isascii() and "_" not in text and text == text.strip() and math.isfinite(value)


@pytest.mark.parametrize("typed", ["a --count 3 b", "a b --count 3", "--count 3 a b", "--count 3 -- a b"])
def test_options_may_stand_anywhere(typed: str) -> None:
    parser = Parser(prog="tool")
    one = parser.add_subparsers(dest="command").add_parser("run")
    one.add_argument("model")
    one.add_argument("rows", nargs="?", default="-")
    one.add_argument("--count", type=whole_number(1, 9), default=1)
    options = parser.parse_args(["run", *typed.split()])
    assert (options.model, options.rows, options.count) == ("a", "b", 3)
    options = parser.parse_args(["run", "a"])
    assert (options.rows, options.count) == ("-", 1)
    assert parser.parse_args(["run", "--", "--count"]).model == "--count"
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["run"])


def test_error_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="tool")
    parser.add_argument("--count", type=whole_number(1, 9))
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["--count", "1\n0"])
    said = capsys.readouterr().err
    assert said == "tool: argument --count: takes a whole number from 1 to 9, got '1\\n0'; see tool --help\n"
