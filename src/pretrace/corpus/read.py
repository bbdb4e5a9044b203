"""Text of one's own: .txt (a file is a document), .jsonl and .parquet (a row is a document).

Files are read in the order of their paths, row by row, so the corpus is never in memory whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretrace.corpus.documents import Document, write_documents
from pretrace.errors import PretraceError
from pretrace.files import atomic_folder
from pretrace.progress import progress

if TYPE_CHECKING:
    from pretrace.settings import Columns

Row = tuple[int, dict[str, Any]]
"""A row's number as a person counts (from 1), and its columns."""


def collect_files(path: Path | str, columns: Columns, out: Path) -> dict[str, Any]:
    """Write the documents of a file or folder to `out`; the result is their number for the report.

    Raises:
        PretraceError: what `read_files` refuses, or there is not a single document.
    """
    with atomic_folder(out) as temporary:
        documents = progress(read_files(path, columns), unit="documents", description="collect")
        count = write_documents(temporary, documents)
        if not count:
            raise PretraceError(f"{path}: no text there; all its files or rows are empty")
    return {"documents": count}


def read_files(path: Path | str, columns: Columns) -> Iterator[Document]:
    """The documents of a file, or of every known file below a folder, in the order of their paths.

    Empty ones are left out.

    Without `columns.id` a document is named after its file and row; without `columns.source` its source is its folder
    (from `path`), or its file if all lie in one folder.

    Raises:
        PretraceError: nothing is at the path; no file is of a known kind; a file is not what its name says, is not
            UTF-8, or lacks a column; a text is no text. The line names the file and the row.
    """
    root = Path(path)
    files = _files(root)
    folder = root if root.is_dir() else root.parent
    one_folder = len({file.parent for file in files}) == 1
    for file in files:
        name = file.relative_to(folder)
        parent = name.parent.as_posix() if name.parent.parts else folder.resolve().name
        source = name.with_suffix("").as_posix() if one_folder else parent
        if file.suffix.lower() == ".txt":
            text = _decoded(file, file.read_bytes())
            if text.strip():
                yield Document(name.as_posix(), source, text)
            continue
        yield from _documents(file, name.as_posix(), source, columns)


def _files(root: Path) -> list[Path]:
    if not root.exists():
        raise PretraceError(
            f"params.yaml: corpus.path: nothing at {root}; takes a folder, or a file of {', '.join(KNOWN)}"
        )
    # A folder's hidden files and folders are some tool's, not text.
    below = (file for file in root.rglob("*") if file.is_file() and not _hidden(file.relative_to(root)))
    every = [root] if root.is_file() else list(below)
    known = sorted((file for file in every if file.suffix.lower() in KNOWN), key=Path.as_posix)
    if not known:
        what = f"none of its {len(every)} files is" if root.is_dir() else "it is not"
        raise PretraceError(f"params.yaml: corpus.path: {root}: {what} one of {', '.join(KNOWN)}")
    return known


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _documents(file: Path, name: str, source: str, columns: Columns) -> Iterator[Document]:
    wanted = [column for column in (columns.text, columns.id, columns.source) if column is not None]
    for number, row in READERS[file.suffix.lower()](file, wanted):
        text = row[columns.text]
        if text is None or (isinstance(text, str) and not text.strip()):
            continue
        if not isinstance(text, str):
            raise PretraceError(f"{file}: row {number}: column {columns.text!r} takes text, got {type(text).__name__}")
        yield Document(
            id=f"{name}:{number}" if columns.id is None else str(row[columns.id]),
            source=source if columns.source is None else str(row[columns.source]),
            text=text,
        )


def _jsonl_rows(file: Path, wanted: list[str]) -> Iterator[Row]:
    with file.open("rb") as stream:
        offset = 0
        for number, line in enumerate(stream, 1):
            text = _decoded(file, line, offset)
            offset += len(line)
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except ValueError as error:
                raise PretraceError(f"{file}: row {number}: not JSON ({error}); takes one object a line") from None
            if not isinstance(row, dict):
                raise PretraceError(f"{file}: row {number}: takes a JSON object, got {type(row).__name__}")
            _check_columns(file, wanted, row, f"row {number}: ")
            yield number, row


def _parquet_rows(file: Path, wanted: list[str]) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as table:
            _check_columns(file, wanted, table.schema_arrow.names)
            number = 0
            for batch in table.iter_batches(batch_size=64, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except pa.ArrowException as error:
        raise PretraceError(f"{file}: not a whole Parquet file ({error})") from None


def _check_columns(file: Path, wanted: list[str], present: Iterable[str], where: str = "") -> None:
    for column in wanted:
        if column not in present:
            there = ", ".join(present) or "none"
            raise PretraceError(f"{file}: {where}no column {column!r}; has {there}; set corpus.columns in params.yaml")


def _decoded(file: Path, content: bytes, offset: int = 0) -> str:
    try:
        return content.decode("utf-8-sig" if offset == 0 else "utf-8")
    except UnicodeDecodeError as error:
        raise PretraceError(f"{file}: not UTF-8 at byte {offset + error.start}; convert it (iconv -t UTF-8)") from None


READERS: dict[str, Callable[[Path, list[str]], Iterator[Row]]] = {
    ".jsonl": _jsonl_rows,
    ".parquet": _parquet_rows,
}
KNOWN = (".txt", *READERS)
