"""GPT-3's five kinds of scrambled words (section 3.9.2), as its released files have them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np

SHORTEST, LONGEST, MOST_WORDS = 5, 15, 10_000
"""Letters of a word, and number of the most frequent words. The paper says 5 to 14 letters; its files have 15, too."""
BETWEEN = " ./!"
"""Characters put between letters."""
WORD = re.compile(r"(?<![\w'-])[a-z]+(?![\w'-])")
FREE = {"mid_word_1_anagrams": 1, "mid_word_2_anagrams": 2}
"""Letters at both ends that stay."""
TRIES = 1000


def frequent_words(texts: Iterable[str]) -> list[str]:
    """Return the most frequent words of texts that are long enough; of equal counts the first in the alphabet."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word for word in WORD.findall(text.lower()) if SHORTEST <= len(word) <= LONGEST)
    return sorted(counts, key=lambda word: (-counts[word], word))[:MOST_WORDS]


def can_scramble(kind: str, word: str) -> bool:
    """Return True if the rule makes another text of a word."""
    if kind in FREE:
        return len(set(word[FREE[kind] : -FREE[kind]])) > 1
    if kind == "random_insertion_in_word":
        return True
    return word != word[::-1] if kind == "reversed_words" else len(set(word)) > 1


def scramble(kind: str, word: str, random: np.random.Generator) -> str:
    """Return a word by the rule of a kind: letters cycled, all but the first and last (two) shuffled, signs put between
    letters, or reversed.
    """
    if kind == "reversed_words":
        return word[::-1]
    if kind == "random_insertion_in_word":
        signs = [BETWEEN[index] for index in random.integers(0, len(BETWEEN), len(word) - 1)]
        return "".join(letter + sign for letter, sign in zip(word, [*signs, ""], strict=True))
    for _ in range(TRIES):
        if kind == "cycle_letters_in_word":
            by = int(random.integers(1, len(word)))
            made = word[by:] + word[:by]
        else:
            ends = FREE[kind]
            middle = "".join(random.permutation(list(word[ends:-ends])))
            made = word[:ends] + middle + word[-ends:]
        if made != word:
            return made
    raise ValueError(f"{word!r} stays the same by the rule {kind}")
