"""Filter of documents that share an n-gram with the text that the benchmark's scores are from.

A test row that a model has read in pre-training does not test it. The dev and test texts of the tasks that are read
from files, cleaned as the corpus is, are searched for; probes are made from documents that training never sees. Shared
n-grams are compared as text, so each match is certain. Source of the method: GPT-3 (Brown et al. 2020, C), with n from
8 to 13. Documents are dropped, or cut; or rows are only noted, to compare scores on all rows and on those not found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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

Ngram = tuple[int, int]
"""Which of several `EvaluationNgrams` has an n-gram, and its number there."""
LEAST_WORDS, MOST_WORDS = 8, 13
"""Bounds of GPT-3's n."""


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
    """Task and row of each of them, the first if several rows have it."""
    all_rows: set[tuple[str, str]]
    """Task and row of all rows that have one of them."""
    numbers: set[int]
    """Their numbers among those that are looked for."""


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
        joined = np.concatenate(ngrams)
        order = np.argsort(joined, kind="stable")
        self._ngrams, self._first, self._counts = np.unique(joined[order], return_index=True, return_counts=True)
        self._text_numbers = np.concatenate(text_numbers)[order]

    def find(self, words: list[str], hashes: np.ndarray | None = None) -> SharedNgrams | None:
        """Return the shared n-grams among a document's words; None if there are none.

        `hashes` are those of `hash_words`, if they are known.
        """
        ngrams = hash_ngrams(hash_words(words) if hashes is None else hashes, self.n)
        if not len(ngrams) or not len(self._ngrams):
            return None
        at = np.minimum(np.searchsorted(self._ngrams, ngrams), len(self._ngrams) - 1)
        shared = SharedNgrams([], [], set(), set())
        for start in np.flatnonzero(self._ngrams[at] == ngrams).tolist():
            ngram = f" {' '.join(words[start : start + self.n])} "
            number = int(at[start])
            texts = [text for text in self.texts_with(number) if ngram in f" {' '.join(text.text.split())} "]
            if texts:
                shared.starts.append(start)
                shared.rows.append((texts[0].task, texts[0].row))
                shared.all_rows.update((text.task, text.row) for text in texts)
                shared.numbers.add(number)
        return shared if shared.starts else None

    def texts_with(self, number: int) -> list[EvaluationText]:
        """Return the texts that have an n-gram, in order, each once."""
        first = self._first[number]
        return [self.texts[n] for n in dict.fromkeys(self._text_numbers[first : first + self._counts[number]].tolist())]


def evaluation_ngrams(texts: Iterable[EvaluationText], rules: ContaminationRules) -> list[EvaluationNgrams]:
    """Return the n-grams to look for; with `action: report` and no `words` of each length that the tasks have."""
    if rules.words or rules.action != "report":
        return [EvaluationNgrams(texts, rules.words or MOST_WORDS)]
    kept = list(texts)
    lengths = ngram_lengths(kept)
    return [EvaluationNgrams((t for t in kept if lengths[t.task] == n), n) for n in sorted(set(lengths.values()))]


def ngram_lengths(texts: Iterable[EvaluationText]) -> dict[str, int]:
    """Return GPT-3's n for each task: the 5th percentile of its rows' words, from 8 to 13.

    Of a row with several texts the longest counts (ours): an n-gram lies within one text.
    """
    words: dict[str, dict[str, int]] = {}
    for text in texts:
        rows = words.setdefault(text.task, {})
        rows[text.row] = max(rows.get(text.row, 0), len(text.text.split()))
    fifth = {task: int(np.percentile(list(rows.values()), 5, method="lower")) for task, rows in words.items()}
    return {task: min(max(n, LEAST_WORDS), MOST_WORDS) for task, n in fifth.items()}


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
        ngram = " ".join(words[shared.starts[0] : shared.starts[0] + self.evaluation.n])
        reason = Reason("contamination", len(shared.starts), f"{task}: {row}: {ngram}")
        document.evaluation_rows = sorted(shared.all_rows)
        if self.rules.action == "drop":
            return reason
        return document.cut(reason, touched_lines(document.prepared, shared.starts, self.evaluation.n), self.recipe)


class NoteRows:
    """Notes with which rows a document shares an n-gram, and with `most_documents` the n-grams; keeps the document."""

    def __init__(self, rules: ContaminationRules, evaluation: Sequence[EvaluationNgrams]) -> None:
        self.rules, self.evaluation = rules, evaluation

    def __call__(self, document: CleanedDocument) -> Reason | None:
        words = document.prepared.split()
        hashes = hash_words(words)
        found = [(place, ngrams.find(words, hashes)) for place, ngrams in enumerate(self.evaluation)]
        document.evaluation_rows = sorted(set().union(*(shared.all_rows for _, shared in found if shared)))
        if self.rules.most_documents is not None:
            pairs = ((place, number) for place, shared in found if shared for number in shared.numbers)
            document.evaluation_ngrams = sorted(pairs)
        return None


def rows_without_junk(
    evaluation: Sequence[EvaluationNgrams], documents: Iterable[Iterable[Ngram]], most: int
) -> tuple[set[tuple[str, str]], Counter[str]]:
    """Return the rows that share an n-gram which at most `most` documents have, and the others' number by task.

    Those that more have are junk, such as the lines of a license (GPT-3 left them in the text).

    Args:
        documents: the n-grams of each, once each.
    """
    counts = Counter(ngram for of_document in documents for ngram in of_document)
    rows: set[tuple[str, str]] = set()
    junk: Counter[str] = Counter()
    for (place, number), count in counts.items():
        texts = evaluation[place].texts_with(number)
        if count <= most:
            rows.update((text.task, text.row) for text in texts)
        else:
            junk.update({text.task for text in texts})
    return rows, junk


def touched_lines(prepared: str, starts: list[int], n: int) -> list[bool]:
    """Return for each line of a prepared text whether an n-gram from one of `starts` touches it."""
    first_words = np.cumsum([0] + [len(line.split()) for line in prepared.split("\n")])
    touched = np.zeros(first_words[-1], bool)
    for start in starts:
        touched[start : start + n] = True
    return [bool(touched[first:end].any()) for first, end in pairwise(first_words)]
