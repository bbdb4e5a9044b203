"""Documents on disk: Parquet parts with the columns `id`, `source` and `text`.

Both the collected and the cleaned corpus have this form. The same documents in the same order give the same bytes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import check_regular

PART_BYTES = 32 << 20
"""UTF-8 bytes of text after which a new part begins, so that a writer holds one part at a time."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its name and source."""

    id: str
    """Unique within its source."""
    source: str
    """A package, an author, a folder."""
    text: str


class DocumentWriter:
    """Writes documents to `folder/part-00000.parquet` and so on, in the order they come.

    The caller makes the folder appear whole (`pretrace.common.files.atomic_folder`). A thread writes a part while the
    next one is being made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._parts = 0
        self._rows: list[Document] = []
        self._bytes = 0
        self._thread = ThreadPoolExecutor(1)
        self._written: Future[None] | None = None

    def __enter__(self) -> DocumentWriter:
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        # A folder without documents still gets one part, so that "nothing here" and "not written" differ.
        with self._thread:
            if failure is None and (self._rows or not self._parts):
                self._flush()
            if failure is None and self._written:
                self._written.result()

    def write(self, document: Document) -> None:
        self._rows.append(document)
        self._bytes += len(document.text.encode("utf-8"))
        if self._bytes >= PART_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._written:
            self._written.result()
        path = part_path(self.folder, self._parts)
        self._written = self._thread.submit(self._write_part, path, self._rows)
        self._parts, self._rows, self._bytes = self._parts + 1, [], 0

    def _write_part(self, path: Path, rows: list[Document]) -> None:
        import pyarrow as pa

        # large_string: one part may hold a single text of more than 2 GiB.
        texts = pa.array([row.text for row in rows], pa.large_string())
        write_part(path, [row.id for row in rows], [row.source for row in rows], texts)


def write_part(path: Path, ids: list[str], sources: list[str], texts: Any) -> None:
    """Write one part; `texts` are Arrow's `large_string`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"id": pa.array(ids, pa.string()), "source": pa.array(sources, pa.string()), "text": texts}
    # Few rows a group let a reader go through a part without holding it whole.
    pq.write_table(pa.table(columns), path, compression="zstd", row_group_size=256, store_schema=False)


def part_path(folder: Path, number: int) -> Path:
    return folder / f"part-{number:05d}.parquet"


def write_documents(folder: Path, documents: Iterable[Document]) -> int:
    """Write documents to Parquet parts in `folder`, and return their number."""
    count = 0
    with DocumentWriter(folder) as writer:
        for document in documents:
            writer.write(document)
            count += 1
    return count


def document_parts(folder: Path) -> list[Path]:
    """Return the files that `write_documents` wrote, in order. Raises `PretraceError` if there are none."""
    paths = sorted(Path(folder).glob("part-*.parquet"))
    if not paths:
        raise PretraceError(f"{folder}: no documents there (part-*.parquet); run the stage that writes them")
    return paths


def _parts_of(folder: Path) -> list[Path]:
    return [folder] if Path(folder).is_file() else document_parts(folder)


def read_documents(folder: Path) -> Iterator[Document]:
    """Read the documents that `write_documents` wrote, in order, a few hundred at a time; or those of one part.

    Raises:
        PretraceError: the folder has no parts, or a part is damaged.
    """
    import pyarrow.parquet as pq

    for path in _parts_of(folder):
        with readable_part(path), pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256, columns=["id", "source", "text"]):
                columns = (batch.column(name).to_pylist() for name in ("id", "source", "text"))
                yield from (Document(*row) for row in zip(*columns, strict=True))


@contextlib.contextmanager
def readable_part(part: Path) -> Iterator[None]:
    """Turn Arrow's exceptions for a damaged part into one line that names it."""
    import pyarrow as pa

    check_regular(part)
    try:
        yield
    except (pa.ArrowException, KeyError, UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and error.errno:  # of the system, not of Arrow
            raise
        raise PretraceError(f"{part}: not a whole Parquet file of documents ({error})") from None


def text_sizes(part: Path) -> list[int]:
    """Return the UTF-8 bytes of each document's text. Raises `PretraceError` if the part is damaged."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    sizes: list[int] = []
    with readable_part(part), pq.ParquetFile(part) as file:
        for batch in file.iter_batches(batch_size=256, columns=["text"]):
            sizes += pc.binary_length(batch.column("text")).to_pylist()
    return sizes


def sources_of(part: Path) -> list[str]:
    """Return the source of each document of a part. Raises `PretraceError` if the part is damaged."""
    import pyarrow.parquet as pq

    with readable_part(part), pq.ParquetFile(part) as file:
        return file.read(columns=["source"]).column("source").to_pylist()


def count_documents(part: Path) -> int:
    """Return the number of documents in a part. Raises `PretraceError` if it is damaged."""
    import pyarrow.parquet as pq

    with readable_part(part):
        return pq.read_metadata(part).num_rows


def bytes_of_documents(folder: Path) -> int:
    """Estimate the bytes of text without reading them, for progress bars."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with contextlib.suppress(pa.ArrowException, OSError, PretraceError):  # reported when the part is read
        for part in _parts_of(folder):
            check_regular(part)
        return sum(
            metadata.row_group(number).total_byte_size
            for metadata in map(pq.read_metadata, _parts_of(folder))
            for number in range(metadata.num_row_groups)
        )
    return 0


def in_batches(documents: Iterable[Document], characters: int) -> Iterator[list[Document]]:
    """Yield the documents in batches for workers, each of about so many characters."""
    batch: list[Document] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document.text)
        if size >= characters:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
