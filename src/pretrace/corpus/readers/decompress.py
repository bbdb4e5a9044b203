"""Decompression of text files as they are read.

Memory is a few buffers, whatever the file holds, and the work is bounded by the bytes on disk: a file that grows more
than text does is taken for a decompression bomb.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from pretrace.common.errors import PretraceError
from pretrace.corpus.readers.faults import BadInputError
from pretrace.corpus.readers.source_file import SourceFile, kind_of

MAX_GROWTH = 200
"""Most times its compressed size that a file may grow. Prose grows 3 to 5 times, logs 20 to 50, a bomb 1,000."""
GROWTH_FREE_BYTES = 64 << 20
"""Bytes that any file may give, however small it is."""
BUFFER_BYTES = 1 << 18
STEP_BYTES = 1 << 12
"""Bytes that are decompressed at once: after an error all of them are lost, though the first may be whole."""
LONG_WINDOW = "too much memory"
"""In zstd's message on a window of more than 128 MB, which it refuses as a file could ask for any memory."""
LONGEST_WINDOW = 31
"""Base-2 logarithm of the longest window that zstd writes."""
PADDING_BYTES = 1 << 16
"""Zeros that may follow a .gz file, as tapes write them."""
NOT_THE_NETWORK = (FileNotFoundError, PermissionError, IsADirectoryError)


@contextlib.contextmanager
def open_file(source: SourceFile) -> Iterator[BinaryIO]:
    """Open the decompressed bytes of a file, buffered; seekable only if the file is not compressed.

    Raises:
        BadInputError: now or while reading: "unreadable", "damaged" or "too_large".
        PretraceError: a remote file stopped answering, which skipping it would hide.
    """
    with contextlib.ExitStack() as stack:
        with _failures(source):
            raw = _StoredStream(stack.enter_context(source.open()), source)
        stored = stack.enter_context(io.BufferedReader(raw, BUFFER_BYTES))
        compression = kind_of(source.name)[1]
        if not compression:
            yield stored
            return
        inner = stack.enter_context(gzip.GzipFile(fileobj=_Gzip(raw)) if compression == ".gz" else _zstd(raw))
        yield stack.enter_context(io.BufferedReader(_DecompressedStream(inner, raw, compression), BUFFER_BYTES))


@contextlib.contextmanager
def open_seekable(source: SourceFile) -> Iterator[BinaryIO]:
    """Do as `open_file`, but seekable: a compressed file is decompressed to a temporary file on disk."""
    with open_file(source) as stream:
        if not kind_of(source.name)[1]:
            yield stream
            return
        with tempfile.TemporaryFile() as whole:
            shutil.copyfileobj(stream, whole, BUFFER_BYTES)
            whole.seek(0)
            yield whole


def _zstd(raw: io.RawIOBase) -> Any:
    # Arrow's codec notices a truncated frame, which python-zstandard's stream reader does not.
    import pyarrow as pa

    return pa.CompressedInputStream(raw, "zstd")


class _Gzip(io.BufferedReader):
    """The bytes of a .gz file. `gzip` reads zeros behind its end one by one; many of them are no padding."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__(raw, BUFFER_BYTES)
        self._zeros = 0

    def read(self, size: int | None = -1) -> bytes:
        chunk = super().read(size)
        self._zeros = self._zeros + 1 if chunk == b"\0" else 0
        if self._zeros > PADDING_BYTES:
            raise OSError(f"more than {PADDING_BYTES:,} zeros behind its end")
        return chunk


class _StoredStream(io.RawIOBase):
    """A file's bytes as stored: counts them, and tells failures to read from faults in the content."""

    def __init__(self, stream: BinaryIO, source: SourceFile) -> None:
        self._stream, self._source = stream, source
        self.bytes_read = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _failures(self._source):
            chunk = self._stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self.bytes_read += len(chunk)
        return len(chunk)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _failures(self._source):
            return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


class _DecompressedStream(io.RawIOBase):
    """The output of a decompressor, as long as it does not grow like a bomb."""

    def __init__(self, inner: Any, stored: _StoredStream, compression: str) -> None:
        self._inner, self._stored, self._compression = inner, stored, compression
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), STEP_BYTES)
        try:
            chunk = self._inner.read1(size) if self._compression == ".gz" else self._inner.read(size)
        except (EOFError, OSError, zlib.error) as error:
            if LONG_WINDOW in str(error):
                raise BadInputError("long_window", LONGEST_WINDOW) from None
            raise BadInputError("damaged", f"{self._compression} file ({error})") from None
        self._bytes += len(chunk)
        if self._bytes > max(GROWTH_FREE_BYTES, MAX_GROWTH * self._stored.bytes_read):
            raise BadInputError("too_large", MAX_GROWTH)
        buffer[: len(chunk)] = chunk
        return len(chunk)


@contextlib.contextmanager
def _failures(source: SourceFile) -> Iterator[None]:
    try:
        yield
    except BadInputError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}" if source.remote else getattr(error, "strerror", None) or str(error)
        if source.remote and not isinstance(error, NOT_THE_NETWORK):
            raise PretraceError(f"{source.shown}: stopped answering ({said}); run again") from error
        raise BadInputError("unreadable", said) from None
