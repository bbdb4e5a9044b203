"""Scores of one answer against its references, as SQuAD and CoQA define them (Rajpurkar et al. 2016, section 6.1; Reddy
et al. 2019, section 5.1), and plain equality.

An answer with several references has its best score among them.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
OneScore = Callable[[str, str], float]
"""Score of an answer against one reference."""


def normalized(text: str) -> str:
    """Return a text in lower case without punctuation and English articles, its words a space apart."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def same_text(answer: str, reference: str) -> float:
    """Return 1 if both are the same text, spaces around it aside."""
    return float(answer.strip() == reference.strip())


def exact_match(answer: str, reference: str) -> float:
    """Return 1 if both are the same when normalized."""
    return float(normalized(answer) == normalized(reference))


def word_f1(answer: str, reference: str) -> float:
    """Return the harmonic mean of precision and recall of the words, each as often as it occurs.

    No answer is right for no reference alone.
    """
    words, others = normalized(answer).split(), normalized(reference).split()
    if not words or not others:
        return float(words == others)
    common = sum((Counter(words) & Counter(others)).values())
    return 2 * common / (len(words) + len(others))


def uses_word(answer: str, word: str) -> float:
    """Return 1 if an answer has a word, in lower or upper case, also with up to four letters at its end for its `e`, as
    in plurals and other forms of English.
    """
    stem = re.escape(word.strip().removesuffix("e"))
    return float(bool(stem) and bool(re.search(rf"(?<!\w){stem}\w{{0,4}}(?!\w)", answer, re.IGNORECASE)))


def best(score: OneScore, answer: str, references: Sequence[str]) -> float:
    """Return the best score among references; no reference is an empty one."""
    return max(score(answer, reference) for reference in references or [""])


def leaving_one_out(score: OneScore, answer: str, references: Sequence[str]) -> float:
    """Return the mean, over the references, of the best score among all but that one, which a person's score is.

    So an answer is compared with as many references as the answers of people were (CoQA).
    """
    if len(references) < 2:
        return best(score, answer, references)
    own = [score(answer, reference) for reference in references]
    return sum(max(own[:left] + own[left + 1 :]) for left in range(len(own))) / len(own)
