"""Text of one's own, from files or from a data set of the Hugging Face Hub: the work of the stage `collect`."""

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
from pretrace.corpus.readers.read_documents import documents_from_rows, read_files, wanted_columns

if TYPE_CHECKING:
    from pretrace.settings import Corpus

REJECTS = "rejects.jsonl"
"""Beside the documents, with `on_bad_input: skip`: what was not taken, a line each (`bad_input.Fault`)."""


def collect_text(corpus: Corpus, out: Path) -> dict[str, Any]:
    """Write the documents that `corpus` says to `out`, and what is wrong with its text to `out/rejects.jsonl`.

    Returns:
        Numbers for the report: documents, rows without text, files and their bytes, files of other kinds that were
        passed over, and with `on_bad_input: skip` what was rejected, by reason.

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
    report: dict[str, Any] = {
        "documents": count,
        **{name: tally[name] for name in ("empty_rows", "files", "bytes", "passed_over")},
    }
    if rejects:
        report["rejected"] = dict(sorted(rejects.counts.items()))
    return report


def corpus_name(corpus: Corpus) -> str:
    """The corpus as lines for a person name it."""
    return str(corpus.dataset.name if corpus.source == "huggingface" else corpus.path)


def read_corpus(corpus: Corpus, on_fault: OnFault = stop, tally: Counter[str] | None = None) -> Iterator[Document]:
    """The documents of the files or the data set that `corpus` says; arguments and errors as for `read_files`."""
    if corpus.source == "huggingface":
        name = corpus_name(corpus)
        rows = dataset_rows(corpus.dataset, wanted_columns(corpus.columns))
        return documents_from_rows(
            rows, name, name, name, corpus.columns, on_fault, Counter() if tally is None else tally
        )
    return read_files(str(corpus.path), corpus.columns, corpus.documents, on_fault, tally)
