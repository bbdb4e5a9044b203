"""Collection of your own text, from files or from a data set of the Hugging Face Hub, for the stage `collect`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder
from pretrace.common.progress import progress
from pretrace.corpus.documents import Document, write_documents
from pretrace.corpus.readers.faults import FaultLog, OnFault, stop
from pretrace.corpus.readers.huggingface import dataset_rows
from pretrace.corpus.readers.read_documents import documents_from_rows, read_files, sources_in_files, wanted_columns
from pretrace.schemas.corpus import CollectReport

if TYPE_CHECKING:
    from pretrace.settings import Corpus

REJECTS = "rejects.jsonl"
"""Beside the documents, with `on_bad_input: skip`: the rejected files and rows, a line each (`faults.Fault`)."""


def collect_text(corpus: Corpus, out: Path) -> CollectReport:
    """Write the documents of `corpus` to `out`, and the faults of its files and rows to `out/rejects.jsonl`.

    Returns:
        The report: documents, rows without text, files and their bytes, ignored files of other kinds, and with
        `on_bad_input: skip` the number of rejects by reason.

    Raises:
        PretraceError: the text cannot be found, or there is not a single document; with `on_bad_input: stop` the first
            bad file or row. `out` is then as it was.
    """
    tally: Counter[str] = Counter()
    with atomic_folder(out) as temporary, ExitStack() as stack:
        rejects = stack.enter_context(FaultLog(temporary / REJECTS)) if corpus.on_bad_input == "skip" else None
        documents = read_corpus(corpus, rejects.add if rejects else stop, tally)
        count = write_documents(temporary, progress(documents, unit="documents", description="collect"))
        if not count:
            first = f", or bad: {rejects.first.line}" if rejects and rejects.first else ""
            raise PretraceError(f"{corpus_name(corpus)}: no text there; all its files or rows are empty{first}")
    numbers: dict[str, Any] = {name: tally[name] for name in ("empty_rows", "files", "bytes", "passed_over")}
    if rejects:
        numbers["rejected"] = dict(sorted(rejects.counts.items()))
    return CollectReport(documents=count, **numbers)


def corpus_name(corpus: Corpus) -> str:
    """Return the name of the corpus in messages: its path or data set."""
    return str(corpus.dataset.name if corpus.source == "huggingface" else corpus.path)


def corpus_sources(corpus: Corpus, on_fault: OnFault = stop) -> dict[str, int] | None:
    """Return the sources of a corpus and the bytes of their files, stored; 0 where that is not known.

    None for a data set of the Hub whose rows name theirs: it is not read for this. Errors as `read_files`.
    """
    if corpus.source == "installed":
        return dict.fromkeys(corpus.packages, 0)
    if corpus.source == "huggingface":
        return None if corpus.columns.source else {corpus_name(corpus): 0}
    return sources_in_files(str(corpus.path), corpus.columns, on_fault)


def read_corpus(corpus: Corpus, on_fault: OnFault = stop, tally: Counter[str] | None = None) -> Iterator[Document]:
    """Yield the documents of the files or the data set of `corpus`; arguments and errors as for `read_files`."""
    if corpus.source == "huggingface":
        name = corpus_name(corpus)
        rows = dataset_rows(corpus.dataset, wanted_columns(corpus.columns))
        return documents_from_rows(
            rows, name, name, name, corpus.columns, on_fault, Counter() if tally is None else tally
        )
    return read_files(str(corpus.path), corpus.columns, corpus.documents, on_fault, tally)
