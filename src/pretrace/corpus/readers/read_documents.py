"""Documents from files of .txt, .jsonl and .parquet, plain or compressed, and from the rows of a data set.

Files are read in the order of their names, row by row, so the corpus is never in memory as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretrace.corpus.documents import Document
from pretrace.corpus.readers.faults import BadInputError, OnFault, stop
from pretrace.corpus.readers.find_files import CORPUS_PATH, CorpusFiles, find_files
from pretrace.corpus.readers.read_rows import read_rows
from pretrace.corpus.readers.row import DocumentUnit, Row, check_text
from pretrace.corpus.readers.source_file import SourceFile

if TYPE_CHECKING:
    from pretrace.settings import Columns

WITH_COLUMNS = (".jsonl", ".parquet")
"""Kinds of files whose rows can name their source."""


def read_files(
    path: Path | str,
    columns: Columns,
    unit: DocumentUnit = "file",
    on_fault: OnFault = stop,
    tally: Counter[str] | None = None,
    key: str = CORPUS_PATH,
) -> Iterator[Document]:
    """Yield the documents of a file, of every known file below a folder, or of those that a glob matches.

    Without `columns.id` a document is named after its file and row; without `columns.source` its source is its folder
    (from `path`), or its file if all lie in one folder. Rows without text are skipped.

    Args:
        path: a file, a folder, a glob or a URL (`find_files`).
        columns: of .jsonl and .parquet.
        unit: what becomes a document of plain text: a file, a piece of it, a block between blank lines, a line.
        on_fault: gets each bad file and row; `stop` raises.
        tally: counts `files`, `bytes` (stored), `passed_over`, `empty_rows`.
        key: the setting that has the path, for errors.

    Raises:
        PretraceError: nothing is at the path, or no file is of a known kind; what `on_fault` raises.
    """
    tally = Counter() if tally is None else tally
    sources = find_files(path, on_fault, key)
    tally.update(
        files=len(sources.files), bytes=sum(file.size for file in sources.files), passed_over=sources.passed_over
    )
    for file, source in _with_sources(sources):
        rows = read_rows(file, wanted_columns(columns), unit)
        yield from documents_from_rows(rows, file.shown, file.name, source, columns, on_fault, tally)


def sources_in_files(path: Path | str, columns: Columns, on_fault: OnFault = stop) -> dict[str, int]:
    """Return the sources that the documents of `read_files` have, and the bytes of their files: stored, not unpacked.

    Text is not read; of .jsonl and .parquet with `columns.source` that column is, and such a source has 0 bytes.

    Raises:
        PretraceError: as `read_files`.
    """
    sizes: Counter[str] = Counter()
    for file, source in _with_sources(find_files(path, on_fault)):
        if columns.source is None or file.kind not in WITH_COLUMNS:
            sizes[source] += file.size
        else:
            sizes.update(dict.fromkeys(_named_in(file, columns.source, source, on_fault), 0))
    return dict(sizes)


def _with_sources(found: CorpusFiles) -> Iterator[tuple[SourceFile, str]]:
    """Yield each file with the source of its documents, unless they have their own."""
    one_folder = len({file.name.rpartition("/")[0] for file in found.files}) == 1
    for file in found.files:
        yield file, file.stem if one_folder else file.name.rpartition("/")[0] or found.folder


def _named_in(file: SourceFile, column: str, default: str, on_fault: OnFault) -> set[str]:
    """Return the sources in a column."""
    names: set[str] = set()
    try:
        for number, row in read_rows(file, [column], "file"):
            if isinstance(row, BadInputError):
                on_fault(row.at(file.shown, number))
            else:
                names.add(default if row[column] is None else str(row[column]))
    except BadInputError as bad:
        on_fault(bad.at(file.shown))
    return names


def wanted_columns(columns: Columns) -> list[str]:
    """Return the named columns, that of the text first."""
    named = (columns.text, columns.id, columns.source)
    return list(dict.fromkeys(column for column in named if column is not None))


def documents_from_rows(
    rows: Iterable[Row], shown: str, name: str, source: str, columns: Columns, on_fault: OnFault, tally: Counter[str]
) -> Iterator[Document]:
    """Yield the documents of the rows of one file.

    Args:
        rows: from `read_rows`, or of that form.
        shown, name: the file in messages, and the prefix of document ids.
        source: the source of documents without a source column.
        columns, on_fault, tally: as for `read_files`.
    """
    kept = faults = 0
    try:
        for number, row in rows:
            row_name = name if number is None else f"{name}:{number}"
            try:
                document = _document(row, row_name, source, columns)
            except BadInputError as bad:
                faults += 1
                on_fault(bad.at(shown, number))
                continue
            if document is None:
                tally["empty_rows"] += number is not None
                continue
            kept += 1
            yield document
    except BadInputError as bad:
        on_fault(bad.at(shown, kept=kept))
        return
    if not kept and not faults:
        on_fault(BadInputError("empty").at(shown))


def _document(row: dict[str, Any] | BadInputError, name: str, source: str, columns: Columns) -> Document | None:
    """Return the document of a row, with this name and source unless it has its own; None if the row has no text."""
    if isinstance(row, BadInputError):
        raise row
    text = row[columns.text]
    if text is None or (isinstance(text, str) and not text.strip()):
        return None
    if not isinstance(text, str):
        raise BadInputError("not_text", f"{columns.text!r} takes text, got {type(text).__name__}")
    own_name = row.get(columns.id) if columns.id else None  # plain text has neither
    own_source = row.get(columns.source) if columns.source else None
    name = name if own_name is None else str(own_name)
    source = source if own_source is None else str(own_source)
    for part in (text, name, source):
        check_text(part)
    return Document(name, source, text)
