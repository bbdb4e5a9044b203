"""Open a file that may come from anyone: regular, not mostly holes, of bounded size, and decoded with its place named.

A pipe or a terminal would wait for ever, a device or a file of holes would fill all memory. Each is refused at once, in
one line. Whatever reads a file by its name opens it here.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from pretrace.common.errors import PretraceError
from pretrace.common.units import readable_bytes

FILE_TYPES = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
SETTINGS_BYTES = 4 << 20
"""Of a file of settings or of a model's sizes."""
VOCABULARY_BYTES = 16 << 20
"""Of a vocabulary's file; GPT-1's largest has 0.8 MB."""
TEXT_BYTES = 64 << 20
"""Of a JSON file, a list of merges, a file of documents that is read whole."""
TABLE_BYTES = 1 << 30
"""Of a file of rows that is read whole; the largest of those that people fine-tune on (SNLI) has half of that."""
MOST_HOLES = 16
"""Times its bytes on disk that a file may have; a file system that compresses makes no holes of text or weights."""
FREE_BYTES = 64 << 20
"""Bytes that any file may have, however few of them are on disk."""
NO_SUCH_FILE, TO_UTF_8 = "no such file", "convert it (iconv -t UTF-8)"


class NotRegularError(PretraceError):
    """Something else than a regular file; `what` says what it is."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(f"{path}: {what}, not a regular file")
        self.what = what


class UnreadableError(PretraceError):
    """A file that the system does not give; `reason` is what it says."""

    def __init__(self, path: object, error: OSError | ValueError) -> None:
        self.reason = getattr(error, "strerror", None) or str(error)
        super().__init__(f"{path}: cannot be read ({self.reason})")


def open_file(path: Path | str, most: int | None = None, missing: str = NO_SUCH_FILE, buffering: int = -1) -> BinaryIO:
    """Open a regular file for reading its bytes.

    Args:
        path: its name; a link is followed.
        most: bytes that it may have; None: any number, for a reader that goes through it piece by piece.
        missing: what to say if it is not there.
        buffering: as for `open`.

    Raises:
        PretraceError: it is not there, cannot be read, is no regular file, is too large or mostly holes.
    """
    try:
        _check_kind(path, Path(path).stat())  # opening some devices has an effect
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise PretraceError(f"{path}: {missing}") from None
    except (OSError, ValueError) as error:  # a NUL in the name
        raise UnreadableError(path, error) from None
    stream = open(descriptor, "rb", buffering=buffering)  # noqa: SIM115
    try:
        status = os.fstat(descriptor)
        _check_kind(path, status)
        if most is not None and status.st_size > most:
            raise _too_large(path, most)
        _check_holes(path, descriptor, status)
    except BaseException:
        stream.close()
        raise
    return stream


def read_bytes(path: Path | str, most: int, missing: str = NO_SUCH_FILE) -> bytes:
    """Return the bytes of a file. Arguments and errors as `open_file`."""
    with open_file(path, most, missing) as stream:
        try:
            content = stream.read(most + 1)
        except OSError as error:
            raise UnreadableError(path, error) from None
    if len(content) > most:  # it grew, or the system does not tell its size
        raise _too_large(path, most)
    return content


def read_text(path: Path | str, most: int = TEXT_BYTES, missing: str = NO_SUCH_FILE, advice: str = TO_UTF_8) -> str:
    """Return the text of a file, without a byte order mark. `advice` is for text in another encoding; others as above.

    Raises:
        PretraceError: as `open_file`; or it is not in UTF-8, with the line and the byte.
    """
    content = read_bytes(path, most, missing)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PretraceError(f"{path}: line {line}: not UTF-8 at byte {error.start}; {advice}") from None


def check_regular(path: Path | str, missing: str = NO_SUCH_FILE) -> None:
    """Raise `PretraceError` as `open_file` does, for a file that a library is going to open by its name."""
    open_file(path, missing=missing).close()


def _check_kind(path: Path | str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularError(path, FILE_TYPES.get(stat.S_IFMT(status.st_mode), "something else"))


def _check_holes(path: Path | str, descriptor: int, status: os.stat_result) -> None:
    on_disk = status.st_blocks * 512
    if status.st_size <= max(FREE_BYTES, MOST_HOLES * on_disk):
        return
    # Some file systems count no blocks; those say that all of it is data.
    if os.lseek(descriptor, 0, os.SEEK_HOLE) < status.st_size:
        sizes = f"{readable_bytes(status.st_size)}, of which {readable_bytes(on_disk)} are on disk"
        raise NotRegularError(path, f"a file of holes ({sizes})")
    os.lseek(descriptor, 0, os.SEEK_SET)


def _too_large(path: Path | str, most: int) -> PretraceError:
    return PretraceError(f"{path}: more than {readable_bytes(most)}, which is too large for what is read from it")
