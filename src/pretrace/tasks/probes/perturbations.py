"""Changes that make a sentence unacceptable, for the probe of that name."""

from __future__ import annotations

import numpy as np

CHANGES = ("swapped", "dropped", "doubled", "turned")
_PAIRS = (
    "is are",
    "was were",
    "has have",
    "does do",
    "this these",
    "that those",
    "it they",
    "its their",
    "be been",
    "can could",
    "will would",
    "he they",
    "his their",
    "am is",
    "says say",
    "said say",
    "went go",
    "came come",
    "made make",
    "took take",
    "returns return",
    "uses use",
    "used use",
    "contains contain",
    "specifies specify",
    "allows allow",
    "an a",
)
TURNED = {b: a for a, b in map(str.split, reversed(_PAIRS))} | {a: b for a, b in map(str.split, reversed(_PAIRS))}
"""A word, and the same in another number or tense."""

DOUBLED_LETTERS = 5
"""Letters of the shortest word that is doubled or dropped."""

Words = tuple[str, ...]


def changed(sentence: Words, words_per_change: int, random: np.random.Generator) -> Words | None:
    """The sentence with a change for every so many words, each of a sort drawn from `CHANGES`; None where none fits."""
    wanted, result = max(1, len(sentence) // words_per_change), sentence
    for _ in range(wanted):
        sort = CHANGES[int(random.integers(len(CHANGES)))]
        result = change(result, sort, random) or change(result, "swapped", random) or result
    return result if result != sentence else None


def change(sentence: Words, sort: str, random: np.random.Generator) -> Words | None:
    """The sentence with one change of a sort from `CHANGES`, or None where it has no place for it.

    Only words take part, never punctuation, so a change can not be told by a misplaced mark.
    """
    places = [i for i, word in enumerate(sentence) if word.isalpha()]
    if sort == "turned":
        places = [i for i in places if sentence[i] in TURNED]
    if sort in ("doubled", "dropped"):
        # "the the" is a mark that counting pairs of words would find; a longer word's double is seldom seen twice. As
        # long words are added, words as long have to go: else changed sentences would be the longer ones.
        places = [i for i in places if len(sentence[i]) >= DOUBLED_LETTERS]
    if len(places) < 2:
        return None
    place = int(random.choice(places[:-1] if sort == "swapped" else places))
    words = list(sentence)
    if sort == "turned":
        words[place] = TURNED[words[place]]
    elif sort == "doubled":
        words.insert(place, words[place])
    elif sort == "dropped":
        del words[place]
    else:
        near = [i for i in places if place < i <= place + 3 and words[i] != words[place]]
        if not near:
            return None
        other = int(random.choice(near))
        words[place], words[other] = words[other], words[place]
    return tuple(words)
