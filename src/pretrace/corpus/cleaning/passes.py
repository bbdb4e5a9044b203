"""Cleaning of each document by itself, in workers: one pass over the corpus, or two.

Boilerplate is known only when the lines of the whole corpus are counted. Where it is cut, the first pass ends before
the `BoilerplateFilter` with a count of lines, and the second pass begins with it.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretrace.common.progress import progress
from pretrace.corpus.cleaning.batch_cache import cached
from pretrace.corpus.cleaning.document_steps import ApplySteps
from pretrace.corpus.cleaning.input_spans import spans_of
from pretrace.corpus.cleaning.text_spool import CleanToSpool, DocumentBatch, SpooledBatch, TextSpool
from pretrace.corpus.cleaning.within_spans import SpanProgress
from pretrace.corpus.documents import bytes_of_documents
from pretrace.corpus.filters.base import CleanedDocument, Step
from pretrace.corpus.filters.boilerplate import BoilerplateFilter, HashLines, LineCounter
from pretrace.corpus.parallel import map_in_order

if TYPE_CHECKING:
    from pretrace.settings import Workers

PRELOAD = ("pretrace.corpus.cleaning.preload",)


@dataclass
class Totals:
    """Sums over all documents that were read."""

    read: Counter[str] = field(default_factory=Counter)
    """Documents, bytes and words."""
    scores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0.0]))
    """By source of those that the quality classifier scored: documents, those that it kept, the sum of scores."""

    def add(self, document: CleanedDocument) -> None:
        read = self.read
        read["documents"] += 1
        read["bytes"] += document.bytes_in
        read["words"] += document.words_in
        if document.score is not None:
            kept = not (document.reason and document.reason.rule == "classifier")
            sums = self.scores[document.source]
            self.scores[document.source] = [sums[0] + 1, sums[1] + kept, sums[2] + document.score]


@dataclass(frozen=True)
class WorkerPass:
    """Runs steps over batches of documents, in workers."""

    workers: Workers | None
    cache: Path | None = None
    """Folder for cleaned batches (`batch_cache`)."""
    inputs: Any = None
    """All that the steps depend on, as JSON: part of the cache's key."""

    def run(
        self,
        batches: Iterable[DocumentBatch],
        steps: Sequence[Step],
        folder: Path,
        description: str,
        size: int,
        more_inputs: Any = None,
    ) -> Iterator[CleanedDocument]:
        """Yield each document in order, its text spooled to `folder`; `size` is about the bytes of all texts."""
        apply = cached(ApplySteps(steps), self.cache, [self.inputs, more_inputs])
        with (
            progress(total=size, unit="B", description=description) as bar,
            SpanProgress(folder, bar).looking() as shown,
        ):
            for _, documents in map_in_order(CleanToSpool(apply, folder), batches, self.workers, PRELOAD):
                shown.came(sum(document.bytes_in for document in documents))
                yield from documents


def clean_each(
    raw: Path, steps: list[Step], folder: Path, workers: WorkerPass, totals: Totals
) -> Iterator[CleanedDocument]:
    """Yield the documents in `raw` after the steps, dropped ones too; `folder` gets the texts of the others.

    `totals` gets all that were read.
    """
    boilerplate = next((step for step in steps if isinstance(step, BoilerplateFilter)), None)
    at = steps.index(boilerplate) if boilerplate else len(steps)
    first = [*steps[:at], HashLines(boilerplate.rules)] if boilerplate else steps
    first_folder = folder.with_name("lines") if boilerplate else folder
    spans = spans_of(raw, workers.workers.count if workers.workers else 1)
    documents = _count(workers.run(spans, first, first_folder, "clean", bytes_of_documents(raw)), totals)
    if not boilerplate:
        yield from documents
        return
    batches: dict[int, SpooledBatch] = {}
    spool = TextSpool(first_folder)
    with LineCounter(folder.with_name("line-counts"), boilerplate.rules) as counter:
        for document in documents:
            if document.reason:
                yield document
                continue
            assert document.range and document.prepared_range and document.line_hashes is not None
            counter.add(document.line_hashes)
            batch = batches.setdefault(document.range.file, SpooledBatch(document.range.file, spool))
            batch.names.append((document.id, document.source))
            batch.ranges.extend((document.range, document.prepared_range))
        common = counter.common()
    second = [BoilerplateFilter(boilerplate.rules, common, boilerplate.recipe), *steps[at + 1 :]]
    size = sum(text.bytes for batch in batches.values() for text in batch.ranges[::2])
    yield from workers.run(batches.values(), second, folder, "cut", size, sorted(common.items()))
    shutil.rmtree(first_folder)


def _count(documents: Iterator[CleanedDocument], totals: Totals) -> Iterator[CleanedDocument]:
    for document in documents:
        totals.add(document)
        yield document
