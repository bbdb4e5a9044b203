"""The frame around all that people and DVC start, commands and stages: one line on standard error, and an exit code.

A traceback is for bugs alone. What the system says (no memory, a full disk, a closed pipe, a name that is too long) and
what an input does to Python itself (values nested too deeply, a number out of range) are one line.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from pretrace.common.errors import PretraceError
from pretrace.common.extras import explain_missing
from pretrace.common.files import CANNOT_WRITE, DISK_FULL, error_number
from pretrace.common.mask import mask_secrets

NO_MEMORY = ("can't allocate memory", "out of memory", "failed to map segment", "can't start new thread", "bad_alloc")
"""Parts of messages of PyTorch, CUDA, the dynamic linker, Python's threads and C++."""
INTERRUPTED = 130


def run_command(name: str, action: Callable[[], int | None], reader_gone: int = 0) -> int:
    """Run a command and return its exit code: what `action` returns, 1 after a line, 130 after Ctrl-C.

    argparse's `SystemExit` passes.

    Args:
        reader_gone: the exit code if nobody reads standard output any more, as in `pretrace predict ... | head`.
    """
    was_closed = _open_missing_streams()
    with contextlib.suppress(AttributeError):  # a label may have letters that the locale lacks
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    output = _Output(sys.stdout)
    try:
        if was_closed:
            raise PretraceError("standard output: is closed; send it to a file, or to /dev/null")
        with contextlib.redirect_stdout(output):
            try:
                code = action() or 0
            finally:
                output.flush()
        return code
    except SystemExit:
        if output.error is None:
            raise
        return _cut_off(name, output.error, reader_gone)  # argparse passes over an error of its output
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if error is output.error:
            return _cut_off(name, error, reader_gone)
        report(name, error)
        return 1
    finally:
        if output.error is not None:  # or Python would report it at exit, with a code of its own
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Output:
    """Standard output that remembers its first error, whoever catches it."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        return self._noted(lambda: self.stream.write(text)) or 0

    def flush(self) -> None:
        if self.error is None:
            self._noted(self.stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def _noted(self, action: Callable[[], int | None]) -> int | None:
        try:
            return action()
        except OSError as error:
            self.error = self.error or error
            raise


def _cut_off(name: str, error: OSError, reader_gone: int) -> int:
    """Return the exit code of a command whose output could not be written, after a line if it is not 0."""
    code = reader_gone if isinstance(error, BrokenPipeError) else 1
    if code:
        print_error(name, f"standard output: {error.strerror}; not all was written")
    return code


def report(name: str, error: Exception) -> str:
    """Print an error as one line under the name of a stage or command, a bug with its traceback; return the line."""
    if reason := reason_of(error):
        return print_error(name, reason)
    with contextlib.suppress(OSError):
        print(mask_secrets("".join(traceback.format_exception(error))), end="", file=sys.stderr, flush=True)
    return str(PretraceError(f"{type(error).__name__}: {error}"))


def print_error(name: str, text: str) -> str:
    """Print a message as one line on standard error; return it without the name."""
    line = str(PretraceError(text))
    with contextlib.suppress(OSError):  # standard error has no space: the exit code remains
        print(f"pretrace: {name}: {line}" if name else f"pretrace: {line}", file=sys.stderr, flush=True)
    return line


def reason_of(error: BaseException) -> str:
    """Return one line if input, system or installation are at fault; "" for a bug."""
    if isinstance(error, PretraceError):
        return str(error)
    if missing := explain_missing(error):
        return missing
    if isinstance(error, MemoryError) or any(_is_about_memory(one) for one in _chain(error)):
        return "not enough memory; free some (`ulimit -v` bounds it, too), or use smaller sizes in the scale file"
    if isinstance(error, RecursionError):
        return "something in the input is nested too deeply; make it flat"
    if isinstance(error, OverflowError):
        return f"a number in the input is out of range ({error})"
    number = error_number(error) if isinstance(error, Exception) else None
    if not isinstance(error, OSError) and number is None:
        return ""
    place = getattr(error, "filename", None)
    path = f"{os.fsdecode(place) if isinstance(place, bytes) else place}: " if place is not None else ""
    said = os.strerror(number) if number is not None else str(error) or type(error).__name__
    if number in DISK_FULL:
        return f"{path}the disk is full ({said}); free some space and run again"
    if number in CANNOT_WRITE:
        return f"{path}not allowed ({said}); check who owns it"
    if number == errno.EIO:
        return f"{path or 'this folder: a file in it '}cannot be read or written ({said}); check the disk"
    return f"{path}{said}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it was raised from: NumPy tells in its own words that it cannot be loaded."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _is_about_memory(error: BaseException) -> bool:
    kinds = (OSError, RuntimeError, ImportError)
    return isinstance(error, kinds) and (
        getattr(error, "errno", None) == errno.ENOMEM or any(part in str(error) for part in NO_MEMORY)
    )


def _open_missing_streams() -> bool:
    """Give closed standard streams a place, or the next file would take it; return True if output was closed."""
    was_closed = sys.stdout is None
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest that is free, which is the stream's own
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8"))
    return was_closed
