"""Analogies: "a is to b as c is to what?" (Mikolov et al. 2013a, section 4.1).

The answer is the word whose vector has the largest cosine with b - a + c, of vectors of length 1; a, b and c themselves
are left out, as in the released code. A file has a row a question, in columns `category`, `a`, `b`, `c` and `d`.
"""

from __future__ import annotations

from pretrace.evaluation.word_tests.read_words import Words, read_rows
from pretrace.schemas.zero_shot import AnalogyScore
from pretrace.training.word2vec.vectors import WordVectors

COLUMNS = ("category", "a", "b", "c", "d")
AT_ONCE = 256
"""Questions whose cosines are in memory together."""
ALL = "all"


def analogies(vectors: WordVectors, file: str, prepare: Words) -> dict[str, AnalogyScore]:
    """Return the score of each category in a file, and of `all`.

    Args:
        prepare: brings a word into the vectors' form, in small letters for instance.

    Raises:
        PretraceError: the file is missing, or a word is empty.
    """
    asked: dict[str, list[list[int]]] = {}
    missing: dict[str, int] = {}
    for _, (category, *words), _ in read_rows(file, COLUMNS):
        questions = asked.setdefault(category, [])
        found = [vectors.numbers.get(prepare(word)) for word in words]
        known = [number for number in found if number is not None]
        if len(known) == len(found):
            questions.append(known)
        else:
            missing[category] = missing.get(category, 0) + 1
    scores = {
        name: _score(len(questions), missing.get(name, 0), count_right(vectors, questions))
        for name, questions in asked.items()
    }
    sums = (sum(getattr(one, key) for one in scores.values()) for key in ("questions", "missing", "right"))
    return scores | {ALL: _score(*sums)}


def count_right(vectors: WordVectors, questions: list[list[int]]) -> int:
    """Return how many of some questions, numbers of a, b, c and d, are answered with d."""
    right, directions = 0, vectors.directions
    for first in range(0, len(questions), AT_ONCE):
        some = questions[first : first + AT_ONCE]
        a, b, c, d = zip(*some, strict=True)
        targets_NC = directions[list(b)] - directions[list(a)] + directions[list(c)]
        nearest = vectors.nearest(targets_NC, [three[:3] for three in some], 1)
        right += int((nearest[:, 0] == d).sum())
    return right


def _score(questions: int, missing: int, right: int) -> AnalogyScore:
    accuracy = round(right / questions, 6) if questions else None
    return AnalogyScore(questions=questions, missing=missing, right=right, accuracy=accuracy)
