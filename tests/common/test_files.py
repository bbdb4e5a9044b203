"""Files are whole or absent, whatever happens while they are written."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.common import files
from pretrace.common.errors import PretraceError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_atomic_path_renames_only_a_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    with files.atomic_path(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert names(target.parent) == ["a.txt"]


def test_atomic_path_keeps_the_old_file_on_error(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), files.atomic_path(target) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_atomic_folder_keeps_the_old_folder_on_error(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with files.atomic_folder(target) as temporary:
        (temporary / "a").write_text("old")
    with pytest.raises(KeyboardInterrupt), files.atomic_folder(target) as temporary:
        (temporary / "a").write_text("half")
        raise KeyboardInterrupt
    assert (target / "a").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_atomic_folder_replaces_the_old_one_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    for name in ("first", "second"):
        with files.atomic_folder(target) as temporary:
            (temporary / "deep").mkdir()
            (temporary / "deep" / name).write_text(name)
    assert names(target / "deep") == ["second"]


@pytest.mark.parametrize("folder", [False, True])
def test_temporary_files_of_dead_writers_only_are_deleted(tmp_path: Path, folder: bool) -> None:
    code = """
import os, signal, sys
from pretrace.common.files import atomic_folder, atomic_path
with (atomic_folder if sys.argv[2] == "True" else atomic_path)(sys.argv[1]) as temporary:
    print("writing", flush=True)
    if sys.argv[3] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""
    target = tmp_path / "out[1]"
    command = [sys.executable, "-c", code, str(target), str(folder)]
    killed = subprocess.Popen([*command, "killed"], stdout=subprocess.DEVNULL)
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is still in the table of processes
    (left,) = names(tmp_path)
    (tmp_path / ".out[1].note.tmp").touch()  # nobody's
    living = subprocess.Popen([*command, "living"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert living.stdout.readline() == b"writing\n"
    assert len(names(tmp_path)) == 2
    assert left not in names(tmp_path)
    with files.atomic_path(target) if not folder else files.atomic_folder(target):
        assert len(names(tmp_path)) == 3
    living.communicate()
    assert (living.returncode, killed.wait()) == (0, -signal.SIGKILL)
    assert names(tmp_path) == [".out[1].note.tmp", "out[1]"]


def test_checksums_match_until_a_bit_changes(tmp_path: Path) -> None:
    assert not files.checksums_match(tmp_path)
    (tmp_path / "a").write_bytes(b"abc")
    files.write_checksums(tmp_path)
    assert files.checksums_match(tmp_path)
    (tmp_path / "a").write_bytes(b"abb")
    assert not files.checksums_match(tmp_path)
    (tmp_path / "a").unlink()
    assert not files.checksums_match(tmp_path)
    (tmp_path / files.CHECKSUMS).write_text("[1]")
    assert not files.checksums_match(tmp_path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_is_one_line_that_names_the_file(tmp_path: Path, monkeypatch: Any, number: int) -> None:
    def full(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PretraceError, match=r"a\.json: the disk is full .* free some space"):
        files.write_json(tmp_path / "a.json", {"a": 1})
    assert names(tmp_path) == []


def test_file_size_limit_leaves_nothing_behind(tmp_path: Path) -> None:
    """The system's own refusal in the middle of a write, in a process of its own."""
    code = """
import resource, signal, sys
from pretrace.common.files import write_text
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_text(sys.argv[1], "x" * 100_000)
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.txt")], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("PretraceError ")
    assert "the disk is full" in done.stdout
    assert names(tmp_path) == []


def test_other_disk_errors_are_not_called_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="I/O"), files.readable_disk_errors(tmp_path):
        raise OSError(errno.EIO, "I/O error")


def test_full_disk_is_recognized_in_an_error_of_copytree(tmp_path: Path) -> None:
    """Python gathers the errors of such a copy in one that has no number."""
    (tmp_path / "vocabulary").mkdir()
    files.write_text(tmp_path / "vocabulary" / "a", "a")

    def full(source: str, target: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target)

    with pytest.raises(PretraceError, match="model: the disk is full"), files.atomic_folder(tmp_path / "model") as out:
        shutil.copytree(tmp_path / "vocabulary", out / "vocabulary", copy_function=full)
    assert names(tmp_path) == ["vocabulary"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@given(value=json_values)
def test_json_round_trip(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "value.json"
    try:
        files.write_json(path, value)
    except UnicodeEncodeError:
        assert "\\ud" in json.dumps(value)  # half a surrogate pair is no text
        return
    assert files.read_json(path) == value


def test_write_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        files.write_json(tmp_path / "a.json", {"loss": float("nan")})


@pytest.mark.parametrize("content", [None, b"", b'{"a": ', b"\xff\xfe\x00"])
def test_read_json_names_a_missing_or_damaged_file(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PretraceError, match=r"a\.json: .*dvc repro"):
        files.read_json(path)


def test_checksums_are_sha256(tmp_path: Path) -> None:
    path = tmp_path / "a"
    content = b"abc" * 1_000_000
    path.write_bytes(content)
    assert files.sha256_of_file(path) == hashlib.sha256(content).hexdigest()
    assert files.sha256_of_json({"b": 1, "a": [2]}) == files.sha256_of_json({"a": [2], "b": 1})
    assert files.sha256_of_json({"a": 1}) != files.sha256_of_json({"a": 2})


def test_lock_is_exclusive_and_released_when_its_holder_dies(tmp_path: Path) -> None:
    lock = tmp_path / "in" / "lock"
    with (
        files.locked(lock, wait=False),
        pytest.raises(PretraceError, match="another process"),
        files.locked(lock, False),
    ):
        pass
    with files.locked(lock, wait=False):
        pass


def test_lock_does_not_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PretraceError, match=r"lock"), files.locked(tmp_path / "lock"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_project_root_is_that_of_dvc_even_in_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "main"))
    assert files.scratch_folder() == (tmp_path / "main" / ".pretrace").resolve()
    monkeypatch.delenv("DVC_ROOT")
    monkeypatch.chdir(tmp_path)
    assert files.project_root() == tmp_path.resolve()
