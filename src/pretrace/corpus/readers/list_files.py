"""Listing of a folder, local or at a URL."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from pretrace.common.errors import PretraceError, printable
from pretrace.common.open_file import FILE_TYPES, NO_SUCH_FILE, NotRegularError, UnreadableError, open_file
from pretrace.corpus.readers.faults import BadInputError
from pretrace.corpus.readers.source_file import SourceFile, kind_of


def list_local(root: Path) -> tuple[str, list[SourceFile]]:
    """Return the folder's name and every file in and below it (or the one file that `root` is), unsorted.

    A link to a file inside the folder is that file under another name; a link to a folder inside is ignored, as its
    files are listed anyway. Links out of the folder are bad, and so are folders that cannot be listed and irregular
    files whose name has a known kind.
    """
    if not root.is_dir():
        return root.parent.resolve().name, [_file(root, root.name)] if os.path.lexists(root) else []
    return root.resolve().name, list(_below(root))


def _below(root: Path) -> Iterator[SourceFile]:
    """Yield the files below a folder; however deep it is, nothing recurses."""
    inside = root.resolve()
    failures: list[OSError] = []
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                shown = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            failures.append(error)
            continue
        for entry in shown:
            path, name = Path(folder, entry.name), Path(folder, entry.name).relative_to(root).as_posix()
            if entry.is_symlink():
                if kind_of(entry.name)[0] or _is_folder(entry):
                    yield from _link(path, name, inside)
            elif _is_folder(entry):
                waiting.append(path)
            else:
                yield _file(path, name)
    for failure in failures:
        path = Path(failure.filename)
        yield _bad(path, path.relative_to(root).as_posix(), "unreadable", failure.strerror)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle, or a path that is too long
        return False


def _link(path: Path, name: str, inside: Path) -> Iterator[SourceFile]:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):  # nothing there; a link to itself
        yield _bad(path, name, "link_broken", path.readlink())
        return
    if not target.is_relative_to(inside):
        yield _bad(path, name, "link_outside", target)
    elif not target.is_dir():
        yield _file(path, name)


def _file(path: Path, name: str) -> SourceFile:
    try:
        status = path.stat()
    except OSError as error:
        return _bad(path, name, "unreadable", error.strerror)
    if kind_of(name)[0] and not stat.S_ISREG(status.st_mode):
        return _bad(path, name, "not_a_file", FILE_TYPES.get(stat.S_IFMT(status.st_mode), "something else"))
    return SourceFile(name, printable(str(path)), status.st_size, partial(open_local, path))


def open_local(path: Path) -> BinaryIO:
    """Open a local file, unbuffered. Raises `BadInputError`: it cannot be read, or is no regular file."""
    try:
        return open_file(path, buffering=0)
    except NotRegularError as error:
        raise BadInputError("not_a_file", error.what) from None
    except UnreadableError as error:
        raise BadInputError("unreadable", error.reason) from None
    except PretraceError:
        raise BadInputError("unreadable", NO_SUCH_FILE) from None


def _bad(path: Path, name: str, reason: str, value: object) -> SourceFile:
    return SourceFile(name, printable(str(path)), 0, partial(open_local, path), BadInputError(reason, value))


def list_remote(url: str, key: str) -> tuple[str, list[SourceFile]]:
    """Do the same for a URL; `key` is the setting, for errors.

    Raises:
        PretraceError: the URL has an unknown scheme, the package that reads it is not installed, or it does not answer.
    """
    system, path = _file_system(url, key)
    try:
        if not system.isdir(path) and system.isfile(path):
            listed, folder = {path: system.info(path)}, path.rpartition("/")[0]
        else:
            listed, folder = system.find(path, detail=True), path
    except Exception as error:  # each service has types of its own
        raise PretraceError(
            f"{printable(url)}: cannot be listed ({_error_text(error)}); check the name and the keys"
        ) from None
    files = []
    for path, info in listed.items():
        name = path.removeprefix(folder).lstrip("/")
        if not any(part.startswith(".") for part in name.split("/")):
            shown = printable(system.unstrip_protocol(path))
            files.append(SourceFile(name, shown, info.get("size") or 0, partial(system.open, path, "rb"), remote=True))
    return folder.rstrip("/").rpartition("/")[2], files


def _file_system(url: str, key: str) -> tuple[Any, str]:
    import fsspec

    try:
        return fsspec.core.url_to_fs(url)
    except ImportError as error:
        # s3fs goes with the fsspec of the same number, and with no other.
        needed = (
            f"pip install s3fs=={fsspec.__version__}" if url.startswith(("s3://", "s3a://")) else _error_text(error)
        )
        raise PretraceError(
            f"params.yaml: {key}: {printable(url)} needs a package that is not installed: {needed}"
        ) from None
    except ValueError as error:
        raise PretraceError(f"params.yaml: {key}: {printable(url)}: {_error_text(error)}") from None


def _error_text(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
