"""Read a text as a language model does, without a pipeline."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np

from pretrace.common.errors import PretraceError, printable
from pretrace.common.progress import progress
from pretrace.corpus import Document, read_files
from pretrace.corpus.readers.faults import Fault
from pretrace.corpus.readers.find_files import URL, WILDCARD
from pretrace.corpus.readers.list_files import open_local
from pretrace.corpus.readers.read_documents import documents_from_rows
from pretrace.corpus.readers.read_rows import read_rows
from pretrace.corpus.readers.source_file import SourceFile, kind_of
from pretrace.evaluation.published_texts.corpora import PublishedSize, plain_text, published_size
from pretrace.evaluation.published_texts.words import Rules
from pretrace.settings import Columns
from pretrace.tokens import Vocabulary
from pretrace.tokens.shards.encode import EncodeBatch


@dataclass(frozen=True)
class Text:
    """Token ids of a text, and its sizes."""

    ids_N: np.ndarray
    documents: int
    words: int
    """Words of the prepared text, between spaces and line ends, as the pipeline counts them."""
    bytes: int
    """UTF-8 bytes of the raw text."""
    clean_bytes: int
    """UTF-8 bytes of the prepared text with one line end per document."""
    published: PublishedSize | None = None
    """Units of the text as it was published, where it was read with rules that make plain text of it."""


def read_text(path: str, vocabulary: Vocabulary, rules: Rules | None = None) -> Text:
    """Prepare and encode the text at `path`, as the stage `shard` does with a corpus.

    Args:
        rules: make plain text of published words first; `bytes` are those of the published text.

    Raises:
        PretraceError: there is no such text, it is not text, or it is too short to score a token.
    """
    encode = EncodeBatch(vocabulary)
    parts: list[np.ndarray] = []
    words = size = clean_size = 0
    published = PublishedSize() if rules else None
    for document in progress(documents_at(path), unit="documents", description="read"):
        if rules and published:
            published += published_size(document.text, rules)
        prepared = vocabulary.prepare(plain_text(document.text, rules) if rules else document.text)
        if not prepared:
            continue
        [encoded] = encode([replace(document, text=prepared)])
        parts.append(encoded.ids)
        words += encoded.words
        size += len(document.text.encode())
        clean_size += len(prepared.encode()) + 1
    if not words:
        raise PretraceError(f"{printable(path)}: no text there")
    return Text(np.concatenate(parts), len(parts), words, size, clean_size, published)


def documents_at(path: str) -> Iterator[Document]:
    """Return the documents of a file, folder, glob or URL, as for a corpus; a file of unknown kind is plain text."""
    if URL.match(path) or (WILDCARD.search(path) and not os.path.lexists(path)):
        return read_files(path, Columns(), "file", _refuse)
    file = Path(path)
    if not file.exists():
        raise PretraceError(f"{printable(path)}: no such file or folder")
    if file.is_dir() or kind_of(file.name)[0]:
        return read_files(path, Columns(), "file", _refuse)
    if not file.is_file():
        raise PretraceError(f"{printable(path)}: not a regular file")
    source = SourceFile(file.name + ".txt", printable(path), file.stat().st_size, partial(open_local, file))
    rows = read_rows(source, ["text"], "file")
    return documents_from_rows(rows, source.shown, source.name, "text", Columns(), _refuse, Counter())


def _refuse(fault: Fault) -> NoReturn:
    if fault.reason == "no_column":
        raise PretraceError(f"{fault.file}: no column {fault.value}, from which the text is read")
    raise PretraceError(fault.line)
