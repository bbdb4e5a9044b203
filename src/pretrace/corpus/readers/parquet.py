"""Rows of a .parquet file, a few at a time, with the wanted columns.

A page, which may have 2 GiB, is decoded whole; everything above a page is bounded here. Repeated values are stored
once, in a dictionary, so a file of a kilobyte can stand for terabytes: the number of rows per batch follows from the
size of that dictionary, which only the file's pages have, and what all batches give is bounded by the file's size.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from pretrace.corpus.readers.decompress import BUFFER_BYTES, GROWTH_FREE_BYTES, MAX_GROWTH, open_seekable
from pretrace.corpus.readers.faults import BadInputError
from pretrace.corpus.readers.parquet_footer import check_footer
from pretrace.corpus.readers.row import Row, check_columns
from pretrace.corpus.readers.source_file import SourceFile

BATCH_BYTES = 32 << 20
"""Bytes of text that are decoded at once."""
BATCH_ROWS = 1024
ROW_BYTES = 32
"""Bytes that a row counts beside its values, so that rows of nothing are bounded, too."""
DICTIONARY_PAGE = 2


def parquet_rows(source: SourceFile, wanted: list[str]) -> Iterator[Row]:
    """Yield rows with the columns in `wanted`. Raises as `parquet_batches`."""
    number = 0
    for batch in parquet_batches(source, lambda names: _all_there(wanted, names)):
        for index in range(batch.num_rows):
            number += 1
            yield number, _row(batch, index, wanted)


def parquet_batches(source: SourceFile, choose: Callable[[list[str]], list[str]]) -> Iterator[Any]:
    """Yield batches of rows (pyarrow.RecordBatch); pandas' index is a column as any other.

    Args:
        source: the file.
        choose: gets the names of the file's columns, in order, and returns those to read; it may raise.

    Raises:
        BadInputError: the file is empty, damaged, or grows like a bomb; the rows before that have been given.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_seekable(source) as stream:
        stored = stream.seek(0, io.SEEK_END)
        if not stored:
            raise BadInputError("empty")
        check_footer(stream)
        stream.seek(0)
        try:
            # Without `pre_buffer=False` a whole row group, which may be the whole file, would be read ahead.
            with pq.ParquetFile(stream, buffer_size=BUFFER_BYTES, pre_buffer=False) as table:
                wanted, grown = choose(table.schema_arrow.names), 0
                for group in range(table.metadata.num_row_groups):
                    size = rows_per_batch(stream, table.metadata.row_group(group), wanted)
                    for batch in table.iter_batches(size, row_groups=[group], columns=wanted):
                        whole = _without_dictionaries(batch)
                        grown += whole.nbytes + ROW_BYTES * whole.num_rows
                        _check_growth(stored, grown)
                        yield whole
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:  # an invalid name or offset
            raise BadInputError("damaged", f"Parquet file ({error})") from None


def _without_dictionaries(batch: Any) -> Any:
    """Return a batch in which each value stands where it is, so that its size is that of its values."""
    import pyarrow as pa

    if not any(map(pa.types.is_dictionary, batch.schema.types)):
        return batch
    columns = [
        column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _all_there(wanted: list[str], present: list[str]) -> list[str]:
    check_columns(wanted, present)
    return wanted


def _row(batch: Any, index: int, wanted: list[str]) -> dict[str, Any] | BadInputError:
    row = {}
    for column in wanted:
        try:
            row[column] = cell(batch, column, index)
        except BadInputError as bad:
            return bad
    return row


def cell(batch: Any, column: str, index: int) -> Any:
    """Return a value of a batch as Python has it. Raises `BadInputError` if it is not UTF-8, or a date out of range."""
    try:
        return batch.column(column)[index].as_py()
    except UnicodeDecodeError as error:
        raise BadInputError("not_utf8", f"{error.start} of column {column!r}") from None
    except (ValueError, OverflowError) as error:  # a date that Python has no number for
        raise BadInputError("not_text", f"{column!r}: {error}") from None


def rows_per_batch(stream: BinaryIO, group: Any, wanted: list[str]) -> int:
    """Return a number of rows with about `BATCH_BYTES` of text, wherever the dictionary's largest value occurs."""
    longest = 1
    for index in range(group.num_columns):
        chunk = group.column(index)
        if chunk.path_in_schema.split(".")[0] not in wanted:
            continue
        _check_growth(chunk.total_compressed_size, chunk.total_uncompressed_size)
        mean = chunk.total_uncompressed_size // max(group.num_rows, 1)
        longest = max(longest, mean, dictionary_bytes(stream, chunk))
    return max(1, min(BATCH_ROWS, BATCH_BYTES // longest))


def dictionary_bytes(stream: BinaryIO, chunk: Any) -> int:
    """Return the uncompressed bytes of a column's dictionary, from the header of its page; 0 if it has none.

    Raises:
        BadInputError: it grows like a bomb.
    """
    starts = (chunk.dictionary_page_offset, chunk.data_page_offset)
    stream.seek(min(start for start in starts if start))
    header = stream.read(32)
    # Thrift's compact protocol: each field a byte that says "the next, a number", then the number.
    numbers: list[int] = []
    offset = 0
    while len(numbers) < 3 and offset < len(header) and header[offset] == 0x15:
        number, offset = _varint(header, offset + 1)
        numbers.append(number)
    if len(numbers) < 3 or numbers[0] != DICTIONARY_PAGE:
        return 0
    _check_growth(numbers[2], numbers[1])
    return numbers[1]


def _varint(header: bytes, offset: int) -> tuple[int, int]:
    """Return a zigzag number and the offset after it."""
    value = shift = 0
    while offset < len(header):
        byte = header[offset]
        value, shift, offset = value | (byte & 0x7F) << shift, shift + 7, offset + 1
        if byte < 0x80:
            break
    return (value >> 1) ^ -(value & 1), offset


def _check_growth(stored: int, grown: int) -> None:
    if grown > max(GROWTH_FREE_BYTES, MAX_GROWTH * stored):
        raise BadInputError("too_large", MAX_GROWTH)
