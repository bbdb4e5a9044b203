# ruff: noqa: RUF001
"""The quick test for wrongly decoded text misses nothing that ftfy takes for bad."""

from __future__ import annotations

import random

import pytest
from ftfy.badness import MOJIBAKE_CATEGORIES, is_bad

from pretrace.corpus.text.mojibake import may_be_bad

PLAIN = [*"abzAMZ 09.,?!\t\n", *"бвдяЯЖαωΩ", *"\u0645\u4e2d\u3042"]
FIRST_AND_LAST = [*"ÂÃÎÐØÙàŒœ×√≈‚ÄβвЂГўВРСΒΓΞΟ€ā°µ®\xa0\xad–—´’…²³¹¼½¾±∂†≠™≤≥¥ø¢ìîïòôúûπóâä"]


def characters_of(ranges: str) -> list[str]:
    """Return the characters of what stands between the brackets of a pattern."""
    found: list[str] = []
    at = 0
    while at < len(ranges):
        if ranges[at + 1 : at + 2] == "-" and at + 2 < len(ranges):
            found += map(chr, range(ord(ranges[at]), ord(ranges[at + 2]) + 1))
            at += 3
        else:
            found.append(ranges[at])
            at += 1
    return found


KINDS = [PLAIN, FIRST_AND_LAST, *map(characters_of, MOJIBAKE_CATEGORIES.values())]


@pytest.mark.parametrize("seed", range(4))
def test_all_that_ftfy_takes_for_bad_may_be_bad(seed: int) -> None:
    draw = random.Random(seed)
    bad = passed = 0
    for _ in range(8_000):
        text = "".join([draw.choice(draw.choice(KINDS)) for _ in range(draw.choice((2, 2, 3, 3, 4, 5)))])
        if is_bad(text):
            bad += 1
            assert may_be_bad(text), ascii(text)
        passed += not may_be_bad(text)
    assert bad > 1_000
    assert passed > 2_000


@pytest.mark.parametrize(
    "text",
    [
        "Он сказал: «Да» — и ушёл…",
        "« L’été, à Évian… », dit-il",
        "\u201eKöln\u201c und Österreich, 5 €",
        "قال: «نعم» 2019،",
        "他说：“好。”",
    ],
)
def test_ordinary_text_passes(text: str) -> None:
    assert not may_be_bad(text)
