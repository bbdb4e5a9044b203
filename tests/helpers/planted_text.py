"""Random text in which a test plants copies, and nothing else repeats: any two documents share few runs of words."""

from __future__ import annotations

import random

SYLLABLES = [first + last for first in "bdfgklmnprstvz" for last in "aeiou"]
FUNCTION_WORDS = ("the", "of", "and", "to", "that", "with", "a", "in")


def words(seed: str, count: int) -> list[str]:
    """Return so many words, the same for the same seed."""
    chance = random.Random(seed)
    return [
        chance.choice(FUNCTION_WORDS) if chance.random() < 0.3 else "".join(chance.choices(SYLLABLES, k=3))
        for _ in range(count)
    ]


def text(seed: str, count: int = 120, line: int = 12) -> str:
    """Return so many words in lines of `line` words."""
    drawn = words(seed, count)
    return "\n".join(" ".join(drawn[start : start + line]) for start in range(0, count, line))


def changed(original: str, seed: str, number: int) -> str:
    """Return the text with so many words replaced, far from each other."""
    lines = [line.split() for line in original.split("\n")]
    for place in range(number):
        line = lines[(place + 1) * len(lines) // (number + 1)]
        line[len(line) // 2] = f"{seed}{place}".lower()
    return "\n".join(" ".join(line) for line in lines)
