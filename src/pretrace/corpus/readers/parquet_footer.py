"""Check that the footer of a .parquet file can be read, in a helper process.

Some corrupted footers make Arrow throw a C++ exception that nothing catches and that ends the process.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import subprocess
import sys
from functools import cache
from typing import BinaryIO

from pretrace.corpus.readers.faults import BadInputError

MAGIC = b"PAR1"
LENGTH_BYTES = 4
COMMAND = (sys.executable, "-c", "from pretrace.corpus.readers.parquet_footer import serve; serve()")


def check_footer(stream: BinaryIO) -> None:
    """Raise `BadInputError` if reading the footer ends a process. Other faults are left to the reader."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - LENGTH_BYTES - len(MAGIC)))
    tail = stream.read()
    length = int.from_bytes(tail[:LENGTH_BYTES], "little")
    if not tail.endswith(MAGIC) or length + len(tail) > size:
        return
    stream.seek(size - length - len(tail))
    footer = MAGIC + stream.read()
    helper = _helper_process()
    assert helper.stdin and helper.stdout
    with contextlib.suppress(BrokenPipeError):
        helper.stdin.write(len(footer).to_bytes(8, "little") + footer)
        helper.stdin.flush()
    if not helper.stdout.read(1):
        _helper_process.cache_clear()
        if helper.wait() < 0:  # by a signal
            raise BadInputError("damaged", "Parquet file (its footer crashes the process that reads it)")


@cache
def _helper_process() -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    started = subprocess.Popen(COMMAND, env=environment, stdin=pipe, stdout=pipe, stderr=nowhere)
    atexit.register(_end, started)
    return started


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream:
            with contextlib.suppress(OSError):
                stream.close()
    process.wait()


def serve() -> None:
    """Read each footer that comes and acknowledge it: the loop of the helper, which ends with its parent."""
    while length := int.from_bytes(sys.stdin.buffer.read(8), "little"):
        _inspect(sys.stdin.buffer.read(length))
        sys.stdout.buffer.write(b".")
        sys.stdout.buffer.flush()


def _inspect(footer: bytes) -> None:
    """Read what a reader does, from a file that has only a footer."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with contextlib.suppress(pa.ArrowException, OSError, ValueError):
        metadata = pq.read_metadata(pa.BufferReader(footer))
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            for column in range(group.num_columns):
                group.column(column).to_dict()
