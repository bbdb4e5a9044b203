"""Filter of documents that share an n-gram with the text that the benchmark's scores are from.

A test row that a model has read in pre-training does not test it. The dev and test texts of the tasks that are read
from files, cleaned as the corpus is, are searched for; probes are made from documents that training never sees. Shared
n-grams are compared as text, so each match is certain. Source of the method: GPT-3 (Brown et al. 2020, C), with n from
8 to 13.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pretrace.common.files import atomic_folder
from pretrace.corpus.documents import Document, read_documents, write_documents
from pretrace.corpus.filters.base import CleanedDocument, Reason
from pretrace.corpus.filters.ngrams import hash_ngrams, hash_words
from pretrace.corpus.text.recipe import Recipe

if TYPE_CHECKING:
    from pretrace.settings import ContaminationRules


@dataclass(frozen=True, slots=True)
class EvaluationText:
    """A cleaned text of a dev or test row."""

    task: str
    row: str
    """File and row number."""
    text: str


def write_evaluation_texts(out: Path, texts: Iterable[EvaluationText]) -> None:
    """Write texts to the folder `out` as documents, with the row as id and the task as source. There may be none."""
    with atomic_folder(out) as temporary:
        write_documents(temporary, (Document(text.row, text.task, text.text) for text in texts))


def read_evaluation_texts(folder: Path) -> Iterator[EvaluationText]:
    """Read the texts that `write_evaluation_texts` wrote."""
    for document in read_documents(folder):
        yield EvaluationText(document.source, document.id, document.text)


@dataclass(frozen=True, slots=True)
class SharedNgrams:
    """The n-grams that a document shares with evaluation texts."""

    starts: list[int]
    """Positions of their first words in the document."""
    rows: list[tuple[str, str]]
    """Task and row of each of them."""


class EvaluationNgrams:
    """Every n-gram of the evaluation texts, to look up a document's n-grams in.

    Attributes:
        texts: those that are long enough to be found.
        too_short: number of the others.
    """

    def __init__(self, texts: Iterable[EvaluationText], n: int) -> None:
        self.n = n
        self.texts: list[EvaluationText] = []
        self.too_short = 0
        ngrams, text_numbers = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
        for text in texts:
            of_text = hash_ngrams(hash_words(text.text.split()), n)
            if not len(of_text):
                self.too_short += 1
                continue
            ngrams.append(of_text)
            text_numbers.append(np.full(len(of_text), len(self.texts)))
            self.texts.append(text)
        self._ngrams, first = np.unique(np.concatenate(ngrams), return_index=True)
        self._text_numbers = np.concatenate(text_numbers)[first]

    def find(self, words: list[str]) -> SharedNgrams | None:
        """Return the shared n-grams among a document's words; None if there are none."""
        ngrams = hash_ngrams(hash_words(words), self.n)
        if not len(ngrams) or not len(self._ngrams):
            return None
        at = np.minimum(np.searchsorted(self._ngrams, ngrams), len(self._ngrams) - 1)
        shared = SharedNgrams([], [])
        for start in np.flatnonzero(self._ngrams[at] == ngrams).tolist():
            text = self.texts[self._text_numbers[at[start]]]
            if f" {' '.join(words[start : start + self.n])} " in f" {' '.join(text.text.split())} ":
                shared.starts.append(start)
                shared.rows.append((text.task, text.row))
        return shared if shared.starts else None


class ContaminationFilter:
    """Drops a document that shares an n-gram with an evaluation text, or cuts the lines that do.

    N-grams are of GPT-1's words; `recipe` makes those of what is left.
    """

    def __init__(self, rules: ContaminationRules, evaluation: EvaluationNgrams, recipe: Recipe) -> None:
        self.rules, self.evaluation, self.recipe = rules, evaluation, recipe

    def __call__(self, document: CleanedDocument) -> Reason | None:
        words = document.prepared.split()
        shared = self.evaluation.find(words)
        if not shared:
            return None
        task, row = shared.rows[0]
        ngram = " ".join(words[shared.starts[0] : shared.starts[0] + self.rules.words])
        reason = Reason("contamination", len(shared.starts), f"{task}: {row}: {ngram}")
        document.evaluation_rows = sorted(set(shared.rows))
        if self.rules.action == "drop":
            return reason
        return document.cut(reason, touched_lines(document.prepared, shared.starts, self.rules.words), self.recipe)


def touched_lines(prepared: str, starts: list[int], n: int) -> list[bool]:
    """Return for each line of a prepared text whether an n-gram from one of `starts` touches it."""
    first_words = np.cumsum([0] + [len(line.split()) for line in prepared.split("\n")])
    touched = np.zeros(first_words[-1], bool)
    for start in starts:
        touched[start : start + n] = True
    return [bool(touched[first:end].any()) for first, end in pairwise(first_words)]
