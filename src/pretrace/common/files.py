"""Files that are either whole or absent: atomic writes, checksums, locks.

The pipeline writes everything through this module. A writer gets a temporary path beside the target; the bytes are
flushed to disk, and then renamed to the target, so that a crash or a full disk leaves the old file or none, never half
of one. Temporary files of a killed writer are deleted when the target is next written. Whatever library writes a file,
it gets the permissions of the umask.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import TEXT_BYTES, open_file, read_text
from pretrace.common.processes import is_running

CHUNK_BYTES = 1 << 20
CHECKSUMS = "sha256.json"
NO_OUTPUT = "no such file; run the stage that writes it (`dvc repro`)"
"""Said of a missing file that the pipeline writes."""
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CANNOT_WRITE = (errno.EACCES, errno.EPERM, errno.EROFS)
ERROR_IN_TEXT = re.compile(r"\(os error (\d+)\)|\[Errno (\d+)\]")
"""An errno in an error's text, as libraries in Rust (safetensors) and `shutil.copytree` report it."""


@contextlib.contextmanager
def atomic_path(target: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `target`; on a clean exit it becomes `target`, on an error it is removed.

    Raises:
        PretraceError: the disk is full, or the folder cannot be written to.
    """
    target = Path(target)
    with readable_disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary_name(target)
        os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666))
        mode = _mode(temporary)
        try:
            yield temporary
            _flush(temporary)
            temporary.chmod(mode)  # a library may have put a file of its own in its place, which others cannot read
            os.replace(temporary, target)
            _flush(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(target: Path | str) -> Iterator[Path]:
    """Yield an empty temporary folder; on a clean exit it replaces `target` as a whole.

    The temporary folder is beside the target, so the last step is a rename. On an error the old target stays.
    """
    target = Path(target)
    with readable_disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary_name(target)
        temporary.mkdir()
        mode = _mode(temporary)
        try:
            yield temporary
            for path in sorted(temporary.rglob("*")):
                _give_rights(path, mode)
                _flush(path)
            if target.is_symlink() or target.is_file():
                target.unlink()  # the link, not the folder that it points to
            elif target.exists():
                shutil.rmtree(target)
            os.replace(temporary, target)
            _flush(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def readable_disk_errors(target: Path) -> Iterator[None]:
    """Turn errors of the disk (full, read-only, over quota) into a `PretraceError` that names the file."""
    try:
        yield
    except Exception as error:
        number = error_number(error)
        if number in DISK_FULL:
            raise PretraceError(
                f"{target}: the disk is full ({os.strerror(number)}); free some space and run again"
            ) from error
        if number in CANNOT_WRITE:
            raise PretraceError(f"{target}: cannot be written ({os.strerror(number)}); check who owns it") from error
        raise


def error_number(error: Exception) -> int | None:
    """Return the errno of an error, also if it is only in the text; None if there is none."""
    number = getattr(error, "errno", None)
    if number is not None or isinstance(error, PretraceError):
        return number
    in_text = ERROR_IN_TEXT.search(str(error))
    return int(in_text[1] or in_text[2]) if in_text else None


def write_text(target: Path | str, text: str) -> None:
    """Write UTF-8 text with `\\n` line ends, atomically."""
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(target: Path | str, value: Any) -> None:
    """Write JSON with the same bytes for the same value: two-space indent, keys in the order given, no NaN."""
    write_text(target, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(
    path: Path | str, most: int = TEXT_BYTES, missing: str = NO_OUTPUT, advice: str = "delete it and run `dvc repro`"
) -> Any:
    """Read a JSON file.

    Args:
        most: bytes that it may have.
        missing: what to say if it is not there.
        advice: what to do if it is not JSON.

    Raises:
        PretraceError: it is missing, cannot be read, is too large or not JSON.
    """
    text = read_text(path, most, missing, advice)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PretraceError(f"{path}: not a whole JSON file ({error}); {advice}") from None


def sha256_of_file(path: Path | str) -> str:
    """Return the SHA-256 of a file's bytes, as lower-case hex."""
    digest = hashlib.sha256()
    with open_file(path) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def write_checksums(folder: Path) -> None:
    """Write the SHA-256 of each file of a folder into it, for `checksums_match`."""
    write_json(folder / CHECKSUMS, {path.name: sha256_of_file(path) for path in sorted(folder.iterdir())})


def checksums_match(folder: Path) -> bool:
    """Return True if a folder exists and its files have the checksums that `write_checksums` wrote."""
    try:
        sums = read_json(folder / CHECKSUMS)
        return bool(sums) and all(sha256_of_file(folder / name) == value for name, value in sums.items())
    except (PretraceError, OSError, AttributeError, TypeError):
        return False


def sha256_of_json(value: Any) -> str:
    """Return the SHA-256 of a JSON value in a canonical form (sorted keys, no spaces), as lower-case hex."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@contextlib.contextmanager
def locked(path: Path | str, wait: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`, which is created; the system releases it when the process ends.

    Raises:
        PretraceError: `wait` is false and another process holds it.
    """
    import fcntl

    path = Path(path)
    with readable_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise PretraceError(f"{path}: is a symbolic link; a lock is a regular file. Delete the link") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise PretraceError(f"{path.parent}: another process is writing here; wait for it or stop it") from None
        yield
    finally:
        os.close(descriptor)


def project_root() -> Path:
    """Return the run's repository: `DVC_ROOT` under DVC (also in its temporary copies), else the current folder."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def scratch_folder() -> Path:
    """Return `.pretrace/` of the repository: checkpoints, finished seeds, MLflow's database. Never an output."""
    return project_root() / ".pretrace"


def _temporary_name(target: Path) -> Path:
    """Return a new name beside `target` that nobody can guess; delete the files of those that dead processes left.

    It is relative where `target` is: Arrow rejects an absolute path with letters that the locale does not have.
    """
    host = os.uname().nodename
    left = re.compile(rf"\.{re.escape(target.name)}\.{re.escape(host)}-(\d+)\..*\.tmp")
    for path in target.parent.iterdir():
        owner = left.fullmatch(path.name)
        if owner and not is_running(int(owner[1])):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return target.parent / f".{target.name}.{host}-{os.getpid()}.{secrets.token_hex(8)}.tmp"


def _mode(path: Path) -> int:
    """Return the permissions of a file or folder that was just made: those that the umask leaves of all."""
    return stat.S_IMODE(path.stat().st_mode)


def _give_rights(path: Path, mode: int) -> None:
    """Give a file or folder that a library wrote or copied the permissions `mode` of our folder around it.

    safetensors writes a file that only its owner can read, and a copy of a file in DVC's cache cannot be written.
    A link is left as it is: it is another's file.
    """
    state = path.lstat()
    if stat.S_ISDIR(state.st_mode):
        path.chmod(mode)
    elif stat.S_ISREG(state.st_mode) and state.st_nlink == 1:
        path.chmod(mode & 0o666)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
