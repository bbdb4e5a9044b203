"""Documents that share a run of words with the text that the benchmark's scores are from.

A model that has read a test row in pre-training is not tested by it. What is looked for is the dev and test text of
the tasks that are read from files, cleaned as the corpus is; probes are made from documents that training never sees.
Shared runs are compared as text, so what is listed is certain. Source of the method: GPT-3 (Brown et al. 2020, C),
with runs of 8 to 13 words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from pretrace.common.files import atomic_folder
from pretrace.corpus.documents import Document, read_documents, write_documents
from pretrace.corpus.filters.ngrams import hash_ngrams, hash_words


@dataclass(frozen=True, slots=True)
class EvaluationText:
    """One text of a dev or test row, cleaned."""

    task: str
    origin: str
    """The file and row."""
    text: str


def write_evaluation_texts(out: Path, texts: Iterable[EvaluationText]) -> None:
    """Write texts to the folder `out` as documents: the row is the name, the task the source. There may be none."""
    with atomic_folder(out) as temporary:
        write_documents(temporary, (Document(text.origin, text.task, text.text) for text in texts))


def read_evaluation_texts(folder: Path) -> Iterator[EvaluationText]:
    """Read what `write_evaluation_texts` wrote."""
    for document in read_documents(folder):
        yield EvaluationText(document.source, document.id, document.text)


@dataclass(frozen=True, slots=True)
class Shared:
    """What a document shares with evaluation text."""

    starts: list[int]
    """The places of the words with which shared runs begin."""
    rows: list[tuple[str, str]]
    """Task and row of each of them."""

    @property
    def tasks(self) -> set[str]:
        return {task for task, _ in self.rows}


class EvaluationNgrams:
    """Every run of `n` words of the evaluation text, to look up a document's runs in."""

    def __init__(self, texts: Iterable[EvaluationText], n: int) -> None:
        self.n = n
        self.texts: list[EvaluationText] = []
        self.too_short = 0
        runs, places = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
        for text in texts:
            found = hash_ngrams(hash_words(text.text.split()), n)
            if not len(found):
                self.too_short += 1
                continue
            runs.append(found)
            places.append(np.full(len(found), len(self.texts)))
            self.texts.append(text)
        self._runs, first = np.unique(np.concatenate(runs), return_index=True)
        self._places = np.concatenate(places)[first]

    def find(self, words: list[str]) -> Shared | None:
        """The shared runs in a document's words; None if there are none."""
        runs = hash_ngrams(hash_words(words), self.n)
        if not len(runs) or not len(self._runs):
            return None
        at = np.minimum(np.searchsorted(self._runs, runs), len(self._runs) - 1)
        shared = Shared([], [])
        for start in np.flatnonzero(self._runs[at] == runs).tolist():
            text = self.texts[self._places[at[start]]]
            if f" {' '.join(words[start : start + self.n])} " in f" {' '.join(text.text.split())} ":
                shared.starts.append(start)
                shared.rows.append((text.task, text.origin))
        return shared if shared.starts else None


def cut_shared(text: str, starts: list[int], n: int) -> tuple[str, list[str]]:
    """The text without the lines in which a run of `n` words from one of `starts` stands, and those lines."""
    lines = text.split("\n")
    first_words = np.cumsum([0] + [len(line.split()) for line in lines])
    touched = np.zeros(first_words[-1], bool)
    for start in starts:
        touched[start : start + n] = True
    gone = [bool(touched[first:end].any()) for first, end in pairwise(first_words)]
    kept = [line for line, out in zip(lines, gone, strict=True) if not out]
    return "\n".join(kept), [line for line, out in zip(lines, gone, strict=True) if out]
