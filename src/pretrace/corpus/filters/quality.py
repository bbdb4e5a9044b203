"""Filters of a single document by length, symbols and language, on its text before cleaning.

The rules are Gopher's (Rae et al. 2021, "Scaling Language Models", A.1.1): "any document that does not contain between
50 and 100,000 words, or whose mean word length is outside the range of 3 to 10 characters; ... a symbol-to-word ratio
greater than 0.1 for either the hash symbol or the ellipsis; ... more than 90% of lines starting with a bullet point, or
more than 30% ending with an ellipsis"; 80% of words with an alphabetic character; two of eight stop words. Those for
repetition are in `repetition.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pretrace.corpus.filters.base import RawTextFilter, TextView, too_large, too_small
from pretrace.settings import LanguageRules, LengthRules, SymbolRules

BULLETS = ("\N{BULLET}", "\N{TRIANGULAR BULLET}", "\N{HYPHEN BULLET}", "\N{WHITE BULLET}", "* ", "- ")
"""Beginnings of a line of a list; an asterisk or a hyphen only before a space, as prose has both."""
ELLIPSES = ("...", "\N{HORIZONTAL ELLIPSIS}")
PUNCTUATION = (
    ".,;:!?\"'()[]\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
)
"""Signs next to a word that are not part of it: "and," is "and"."""


class LengthFilter(RawTextFilter[LengthRules]):
    """Drops documents with too few or too many words, or words that are too short or too long on average."""

    def broken_rules(self, text: TextView) -> Iterator[tuple[str, float]]:
        count, rules = len(text.words), self.rules
        mean = sum(map(len, text.words)) / count
        yield from too_small("length.least_words", count, rules.least_words)
        yield from too_large("length.most_words", count, rules.most_words)
        yield from too_small("length.shortest_mean_word", mean, rules.shortest_mean_word)
        yield from too_large("length.longest_mean_word", mean, rules.longest_mean_word)


class SymbolFilter(RawTextFilter[SymbolRules]):
    """Drops documents that are not prose, by their share of symbols, lists and digits."""

    def broken_rules(self, text: TextView) -> Iterator[tuple[str, float]]:
        counts, lines, rules = text.word_counts, text.lines, self.rules
        yield from too_large("symbols.hashes_a_word", text.text.count("#") / counts.total(), rules.hashes_a_word)
        ellipses = sum(map(text.text.count, ELLIPSES))
        yield from too_large("symbols.ellipses_a_word", ellipses / counts.total(), rules.ellipses_a_word)
        bullets = sum(line.startswith(BULLETS) for line in lines)
        yield from too_large("symbols.bullet_lines", bullets / len(lines), rules.bullet_lines)
        ends = sum(line.endswith(ELLIPSES) for line in lines)
        yield from too_large("symbols.ellipsis_lines", ends / len(lines), rules.ellipsis_lines)
        letters = sum(count for word, count in counts.items() if any(map(str.isalpha, word)))
        yield from too_small("symbols.words_with_letters", letters / counts.total(), rules.words_with_letters)
        digits = sum(count * sum(map(str.isdigit, word)) for word, count in counts.items())
        characters = sum(count * len(word) for word, count in counts.items())
        yield from too_large("symbols.digits", digits / characters, rules.digits)


class LanguageFilter(RawTextFilter[LanguageRules]):
    """Drops documents of another language, recognized by the stop words that they lack."""

    def broken_rules(self, text: TextView) -> Iterator[tuple[str, float]]:
        counts: Counter[str] = Counter()
        for word, count in text.word_counts.items():
            counts[word.lower().strip(PUNCTUATION)] += count
        stop_words = [word for word in self.rules.stop_words if counts[word]]
        share = sum(counts[word] for word in stop_words) / text.word_counts.total()
        yield from too_small("language.least", len(stop_words), self.rules.least)
        yield from too_small("language.least_share", share, self.rules.least_share)
