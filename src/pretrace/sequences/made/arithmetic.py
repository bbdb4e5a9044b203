"""GPT-3's ten kinds of arithmetic (section 3.9.1), as its released files have them.

Both numbers of an addition, subtraction or multiplication are uniform from 0 to 10^digits - 1, so that shorter ones
occur; an answer may be negative. Of three digits, from 1 to 9, the first pair stands in brackets; both operators are
drawn from + - *.
"""

from __future__ import annotations

import numpy as np

DIGITS = {"two": 2, "three": 3, "four": 4, "five": 5}
WORDS = {"addition": "plus", "subtraction": "minus", "multiplication": "times"}
OPERATORS = "+-*"


def arithmetic_row(kind: str, random: np.random.Generator) -> tuple[str, str]:
    """Return a question of a kind, and its answer."""
    if kind == "single_digit_three_ops":
        return _three_digits(random)
    digits, _, operation = kind.split("_")
    first, second = (int(number) for number in random.integers(0, 10 ** DIGITS[digits], 2))
    operator = {"plus": "+", "minus": "-", "times": "*"}[WORDS[operation]]
    return f"What is {first} {WORDS[operation]} {second}?", str(_apply(operator, first, second))


def _three_digits(random: np.random.Generator) -> tuple[str, str]:
    first, second, third = (int(number) for number in random.integers(1, 10, 3))
    inner, outer = (OPERATORS[index] for index in random.integers(0, 3, 2))
    value = _apply(outer, _apply(inner, first, second), third)
    return f"What is ({first} {inner} {second}) {outer} {third}?", str(value)


def _apply(operator: str, first: int, second: int) -> int:
    if operator == "+":
        return first + second
    return first - second if operator == "-" else first * second
