"""Whether a document stays: rules that look at one document alone, as it was before cleaning.

Each rule gives its reason, the key of the setting under `corpus.quality` that decided, with the value that was
measured. The rules are Gopher's (Rae et al. 2021, "Scaling Language Models", A.1.1): "any document that does not
contain between 50 and 100,000 words, or whose mean word length is outside the range of 3 to 10 characters; ... a
symbol-to-word ratio greater than 0.1 for either the hash symbol or the ellipsis; ... more than 90% of lines starting
with a bullet point, or more than 30% ending with an ellipsis"; 80% of words with an alphabetic character; two of eight
stop words. Those for repetition are in `repetition.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pretrace.corpus.filters.repetition import repetition

if TYPE_CHECKING:
    from pretrace.settings import LanguageRules, LengthRules, Quality, SymbolRules

BULLETS = ("\N{BULLET}", "\N{TRIANGULAR BULLET}", "\N{HYPHEN BULLET}", "\N{WHITE BULLET}", "* ", "- ")
"""What a list's line begins with; an asterisk or a hyphen only before a space, as prose has both."""
ELLIPSES = ("...", "\N{HORIZONTAL ELLIPSIS}")
SIGNS = ".,;:!?\"'()[]\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
"""What stands next to a word: "and," is "and"."""
DECIMALS = 6
"""Of a value in a report; rules compare the whole number."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a document does not stay, or lost lines."""

    reason: str
    """The setting that decided, such as "length.least_words"; or "empty", "repeated"."""
    value: float
    """What was measured: a number or a share."""
    detail: str = ""
    """What else there is to say, such as the document that it repeats."""


def judge(text: str, quality: Quality) -> Verdict | None:
    """The first rule that the document breaks; None if it stays."""
    for reason, value in broken_rules(text, quality):
        return Verdict(reason, round(value, DECIMALS))
    return None


def broken_rules(text: str, quality: Quality) -> Iterator[tuple[str, float]]:
    """Each rule that the document breaks, with what was measured, the cheap rules first."""
    rules = (quality.length, quality.symbols, quality.language, quality.repetition)
    words = text.split() if any(rules) else []
    if not words:
        return  # without words it is counted as empty, whatever the rules
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    counts = Counter(words)
    if quality.length:
        yield from _length(words, quality.length)
    if quality.symbols:
        yield from _symbols(text, counts, lines, quality.symbols)
    if quality.language:
        yield from _language(counts, quality.language)
    if quality.repetition:
        yield from repetition(text, words, lines, quality.repetition)


def _length(words: list[str], rules: LengthRules) -> Iterator[tuple[str, float]]:
    mean = sum(map(len, words)) / len(words)
    yield from too_small("length.least_words", len(words), rules.least_words)
    yield from too_large("length.most_words", len(words), rules.most_words)
    yield from too_small("length.shortest_mean_word", mean, rules.shortest_mean_word)
    yield from too_large("length.longest_mean_word", mean, rules.longest_mean_word)


def _symbols(text: str, words: Counter[str], lines: list[str], rules: SymbolRules) -> Iterator[tuple[str, float]]:
    yield from too_large("symbols.hashes_a_word", text.count("#") / words.total(), rules.hashes_a_word)
    ellipses = sum(map(text.count, ELLIPSES))
    yield from too_large("symbols.ellipses_a_word", ellipses / words.total(), rules.ellipses_a_word)
    bullets = sum(line.startswith(BULLETS) for line in lines)
    yield from too_large("symbols.bullet_lines", bullets / len(lines), rules.bullet_lines)
    ends = sum(line.endswith(ELLIPSES) for line in lines)
    yield from too_large("symbols.ellipsis_lines", ends / len(lines), rules.ellipsis_lines)
    letters = sum(count for word, count in words.items() if any(map(str.isalpha, word)))
    yield from too_small("symbols.words_with_letters", letters / words.total(), rules.words_with_letters)
    digits = sum(count * sum(map(str.isdigit, word)) for word, count in words.items())
    characters = sum(count * len(word) for word, count in words.items())
    yield from too_large("symbols.digits", digits / characters, rules.digits)


def _language(words: Counter[str], rules: LanguageRules) -> Iterator[tuple[str, float]]:
    found: Counter[str] = Counter()
    for word, count in words.items():
        found[word.lower().strip(SIGNS)] += count
    stop_words = [word for word in rules.stop_words if found[word]]
    share = sum(found[word] for word in stop_words) / words.total()
    yield from too_small("language.least", len(stop_words), rules.least)
    yield from too_small("language.least_share", share, rules.least_share)


def too_small(reason: str, value: float, least: float | None) -> Iterator[tuple[str, float]]:
    """The reason with the value, if there is a bound and the value is below it."""
    if least is not None and value < least:
        yield reason, value


def too_large(reason: str, value: float, most: float | None) -> Iterator[tuple[str, float]]:
    """The reason with the value, if there is a bound and the value is above it."""
    if most is not None and value > most:
        yield reason, value
