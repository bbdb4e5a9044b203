"""Files opened by name are regular ones of bounded size; anything else is one line, at once."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json, sha256_of_file
from pretrace.common.open_file import check_regular, open_file, read_bytes, read_text
from tests.helpers.odd_files import ODD_FILES

READERS: dict[str, Callable[[Path], object]] = {
    "open_file": lambda path: open_file(path).close(),
    "read_bytes": lambda path: read_bytes(path, 1000),
    "read_text": read_text,
    "read_json": read_json,
    "sha256_of_file": sha256_of_file,
    "check_regular": check_regular,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", ODD_FILES)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str, reader: str) -> None:
    path = tmp_path / "a"
    ODD_FILES[kind].make(path)
    with pytest.raises(PretraceError, match=re.escape(f"{path}: {ODD_FILES[kind].said}")):
        READERS[reader](path)


def test_socket_is_refused(tmp_path: Path) -> None:
    os.chdir(tmp_path)  # a socket's name is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("a")
        with pytest.raises(PretraceError, match="a: a socket, not a regular file"):
            read_text("a")


def test_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbfabc")
    assert (read_bytes(path, 6), read_text(path, 6)) == (b"\xef\xbb\xbfabc", "abc")
    with pytest.raises(PretraceError, match="a: more than 0 kB, which is too large"):
        read_bytes(path, 5)


def test_file_that_hides_its_size_is_read_up_to_its_bound() -> None:
    """Files of /proc say that they are empty."""
    assert Path("/proc/self/status").stat().st_size == 0
    assert b"VmHWM" in read_bytes("/proc/self/status", 100_000)
    with pytest.raises(PretraceError, match="more than"):
        read_bytes("/proc/self/status", 100)


def test_file_with_a_few_holes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a" * (8 << 20))
    os.truncate(path, 100 << 20)
    with open_file(path) as stream:
        assert stream.read(2) == b"aa"


def test_place_of_a_byte_that_is_no_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one\ntwo\ncaf\xe9\n")
    with pytest.raises(PretraceError, match=r"a: line 3: not UTF-8 at byte 11; convert it"):
        read_text(path)


@pytest.mark.parametrize("name", ["nul\0", "x" * 300, "no/such"])
def test_name_that_no_file_has_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(PretraceError, match=r"cannot be read|no such file"):
        read_text(tmp_path / name)
