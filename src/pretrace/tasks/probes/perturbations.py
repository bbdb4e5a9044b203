"""Perturbations that make a sentence unacceptable, for the probe `acceptability`."""

from __future__ import annotations

import numpy as np

PERTURBATIONS = ("swapped", "dropped", "doubled", "turned")
_FORMS = (
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
TURNED = {b: a for a, b in map(str.split, reversed(_FORMS))} | {a: b for a, b in map(str.split, reversed(_FORMS))}
"""A word, and the same in another number or tense."""

DOUBLED_LETTERS = 5
"""Letters of the shortest word that is doubled or dropped."""

Words = tuple[str, ...]


def perturb(sentence: Words, words_per_change: int, random: np.random.Generator) -> Words | None:
    """Return a sentence with one perturbation for every so many words, of sorts drawn at random; None if none fits."""
    wanted, result = max(1, len(sentence) // words_per_change), sentence
    for _ in range(wanted):
        sort = PERTURBATIONS[int(random.integers(len(PERTURBATIONS)))]
        result = perturb_once(result, sort, random) or perturb_once(result, "swapped", random) or result
    return result if result != sentence else None


def perturb_once(sentence: Words, sort: str, random: np.random.Generator) -> Words | None:
    """Return a sentence with one perturbation of a sort, or None if it fits nowhere.

    Only words take part, never punctuation, so a misplaced mark does not give it away.
    """
    positions = [i for i, word in enumerate(sentence) if word.isalpha()]
    if sort == "turned":
        positions = [i for i in positions if sentence[i] in TURNED]
    if sort in ("doubled", "dropped"):
        # "the the" is a mark that counting pairs of words would find; a longer word's double is seldom seen twice. As
        # long words are added, words as long have to go: else changed sentences would be the longer ones.
        positions = [i for i in positions if len(sentence[i]) >= DOUBLED_LETTERS]
    if len(positions) < 2:
        return None
    position = int(random.choice(positions[:-1] if sort == "swapped" else positions))
    words = list(sentence)
    if sort == "turned":
        words[position] = TURNED[words[position]]
    elif sort == "doubled":
        words.insert(position, words[position])
    elif sort == "dropped":
        del words[position]
    else:
        near = [i for i in positions if position < i <= position + 3 and words[i] != words[position]]
        if not near:
            return None
        other = int(random.choice(near))
        words[position], words[other] = words[other], words[position]
    return tuple(words)
