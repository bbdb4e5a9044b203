"""Perturbations that make sentences unacceptable, for the probe `acceptability`.

Two sentences of similar length are perturbed together. A word that one loses the other one gets, so over both the words
are those that were written, and so are their letters and the numbers of words: only order and fit can tell them from
sentences as written. First and last words and everything that is not a word stay where they are.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

PERTURBATIONS = ("swapped", "moved", "exchanged", "turned")
NEAR = 3
"""Words that lie at most between a swapped word's places, or a moved word's, plus one (ours)."""
FEWEST_WORDS = 5
"""Different words between first and last of a sentence that can be perturbed (ours)."""
REGULAR = 4
"""Letters of the shortest word that has another number or tense with an `s` (ours)."""
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
    "says say",
    "went go",
    "came come",
    "made make",
    "took take",
    "an a",
)
_TURNED = dict(pair for a, b in map(str.split, _FORMS) for pair in ((a, b), (b, a)))

Words = tuple[str, ...]
Pair = tuple[Words, Words]


def places(sentence: Words) -> list[int]:
    """Return the positions that take part: of words between the first word and the last one."""
    return [i for i, word in enumerate(sentence) if word.isalpha()][1:-1]


def perturbable(sentence: Words) -> bool:
    """Return whether a sentence has enough different words, and none that stands twice in a row."""
    return len({sentence[i] for i in places(sentence)}) >= FEWEST_WORDS and not _repeats(sentence)


def perturb(pair: Pair, words_per_change: int, random: np.random.Generator) -> Pair | None:
    """Return two sentences with one perturbation for every so many words, of sorts drawn at random.

    Returns:
        None if one of the two is as it was.
    """
    result = pair
    for _ in range(max(1, min(map(len, pair)) // words_per_change)):
        sort = PERTURBATIONS[int(random.integers(len(PERTURBATIONS)))]
        found = perturb_once(result, sort, random)
        if found is None:  # what does not fit becomes a change of order, which nearly always does
            found = perturb_once(result, PERTURBATIONS[int(random.integers(2))], random)
        result = found or result
    return None if result[0] == pair[0] or result[1] == pair[1] else result


def perturb_once(pair: Pair, sort: str, random: np.random.Generator) -> Pair | None:
    """Return two sentences with one perturbation of a sort each, or None if it fits nowhere."""
    if sort in ("swapped", "moved"):
        one, other = (_reordered(sentence, sort, random) for sentence in pair)
        return (one, other) if one and other else None
    first, second = pair
    partners = places(second)
    if sort == "turned":
        forms = {i: turns_into(first[i]) for i in places(first)}
        candidates = [(i, j) for i in forms for j in partners if second[j] in forms[i]]
    else:
        candidates = [(i, j) for i in places(first) for j in partners if first[i] != second[j]]
    for at in random.permutation(len(candidates)):
        i, j = candidates[at]
        found = (_with(first, i, second[j]), _with(second, j, first[i]))
        if not any(map(_repeats, found)):
            return found
    return None


def turns_into(word: str) -> tuple[str, ...]:
    """Return what the word may be in another number or tense; if a word turns into another, so does that into it."""
    if word in _TURNED:
        return (_TURNED[word],)
    shorter = (word[:-1],) if word.endswith("s") and len(word) > REGULAR and word[:-1] not in _TURNED else ()
    return (*shorter, *((f"{word}s",) if len(word) >= REGULAR else ()))


def _reordered(sentence: Words, sort: str, random: np.random.Generator) -> Words | None:
    """Return a sentence of which two near words change places, or one moves a few places."""
    free = places(sentence)
    least = 1 if sort == "swapped" else 2
    steps = [(i, j) for i in range(len(free)) for j in range(len(free)) if least <= j - i <= NEAR]
    if sort == "moved":
        steps += [(j, i) for i, j in steps]
    for at in random.permutation(len(steps)):
        start, end = steps[at]
        order = list(range(len(free)))
        if sort == "swapped":
            order[start], order[end] = end, start
        else:
            order.insert(end, order.pop(start))
        words = list(sentence)
        for place, source in zip(free, order, strict=True):
            words[place] = sentence[free[source]]
        found = tuple(words)
        if found != sentence and not _repeats(found):
            return found
    return None


def _with(sentence: Words, position: int, word: str) -> Words:
    return (*sentence[:position], word, *sentence[position + 1 :])


def _repeats(sentence: Words) -> bool:
    """Return whether a word stands twice in a row."""
    return any(a == b and a.isalpha() for a, b in pairwise(sentence))
