"""Test rows that the training text has: scores on the others, beside those on all (GPT-3, appendix C).

A row is found if one of its texts shares an n-gram with a training document, in lower case and without punctuation. The
n of a task is the 5th percentile of its rows' words, from 8 to 13; rows with fewer words cannot be found, and count as
clean.

Shapes: N rows that are scored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pretrace.corpus.documents import read_documents
from pretrace.corpus.filters.contamination import EvaluationNgrams, EvaluationText, ngram_lengths
from pretrace.corpus.filters.ngrams import hash_words
from pretrace.evaluation.prompts.tasks import PromptTask

WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class CleanRows:
    """Which test rows of a task are not in the training text."""

    clean_N: np.ndarray
    words: int
    """Length of an n-gram."""
    too_short: int
    """Rows that have no n-gram."""


def find_clean_rows(tasks: Sequence[PromptTask], training: Path) -> dict[str, CleanRows]:
    """Return the clean ones among the scored test rows, by task.

    Args:
        training: folder of documents, `data/clean/train`.

    Raises:
        PretraceError: a document is missing or damaged.
    """
    texts = [text for task in tasks for text in _texts(task)]
    lengths = ngram_lengths(texts)
    looked_for = [
        EvaluationNgrams([text for text in texts if lengths[text.task] == n], n) for n in sorted(set(lengths.values()))
    ]
    found: set[tuple[str, str]] = set()
    for document in read_documents(training) if texts else ():
        words = _words(document.text)
        hashes = hash_words(words)
        for ngrams in looked_for:
            if shared := ngrams.find(words, hashes):
                found |= shared.all_rows
    long_enough = {(text.task, text.row) for ngrams in looked_for for text in ngrams.texts}
    rows = {}
    for task in tasks:
        keys = [(task.name, str(number)) for number in task.numbers["test"]]
        clean_N = np.array([key not in found for key in keys])
        rows[task.name] = CleanRows(clean_N, lengths[task.name], sum(key not in long_enough for key in keys))
    return rows


def _texts(task: PromptTask) -> list[EvaluationText]:
    rows = task.data.splits["test"]
    return [
        EvaluationText(task.name, str(number), " ".join(_words(part)))
        for number in task.numbers["test"]
        for part in rows[number].raw or rows[number].parts
    ]


def _words(text: str) -> list[str]:
    return WORDS.findall(text.lower())
