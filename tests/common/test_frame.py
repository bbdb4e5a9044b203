"""The frame of commands and stages: what the system says is one line and an exit code, a bug is a traceback."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pretrace.cli import main
from pretrace.common.errors import PretraceError
from pretrace.common.frame import print_error, reason_of, report, run_command
from tests.helpers import REPOSITORY

LONG = "a" * 5000
HELP, TRACK = ("--help",), ("track",)


def command(folder: Path, *arguments: str, shell: str = '"$@"', **options: Any) -> subprocess.CompletedProcess[str]:
    """Run `pretrace` in a folder, through a line of shell in which it stands as "$@"."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")} | options.pop("environment", {})
    line = ["bash", "-c", shell, "bash", sys.executable, "-m", "pretrace.cli", *arguments]
    return subprocess.run(line, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True, **options)


def raising(error: BaseException) -> Callable[[], None]:
    def action() -> None:
        raise error

    return action


@pytest.mark.slow
@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("arguments", [HELP, TRACK])
def test_output_without_space_is_one_line_and_a_failure(
    tmp_path: Path, arguments: tuple[str, ...], buffered: str
) -> None:
    environment = {"PYTHONUNBUFFERED": buffered}
    done = command(tmp_path, *arguments, shell='"$@" >/dev/full', environment=environment)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "standard output: No space left on device; not all was written" in done.stderr


@pytest.mark.slow
def test_reader_that_has_gone_is_no_error_but_for_an_answer(tmp_path: Path) -> None:
    gone = 'exec 3> >(true); sleep 0.5; "$@" >&3'
    for buffered in ("", "1"):
        help_text = command(tmp_path, *HELP, shell=gone, environment={"PYTHONUNBUFFERED": buffered})
        assert (help_text.returncode, help_text.stderr) == (0, "")
        answer = command(tmp_path, *TRACK, shell=gone, environment={"PYTHONUNBUFFERED": buffered})
        assert answer.returncode == 1 and answer.stderr.count("\n") == 1
        assert "standard output: Broken pipe" in answer.stderr


@pytest.mark.slow
def test_closed_streams_are_one_line(tmp_path: Path) -> None:
    done = command(tmp_path, *TRACK, shell='"$@" >&-')
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("pretrace: standard output: is closed")
    without = command(tmp_path, "check", shell='"$@" 2>&- <&-', stdout=subprocess.PIPE)
    assert (without.returncode, without.stdout, without.stderr) == (1, "", "")
    assert command(tmp_path, "check", shell='"$@" 2>/dev/full').returncode == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="bounds the address space as Linux does")
@pytest.mark.parametrize("megabytes", [60, 120, 250])
def test_too_little_address_space_is_one_line(tmp_path: Path, megabytes: int) -> None:
    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    # OpenBLAS reserves memory for each of its threads, and where it cannot, ends a process with words of its own.
    done = command(tmp_path, "generate", shell='OMP_NUM_THREADS=1 exec "$@"', preexec_fn=bound)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("pretrace: generate: not enough memory")


@pytest.mark.parametrize(
    "arguments",
    [
        ("generate", LONG),
        ("evaluate", LONG, "--text", "a"),
        ("predict", LONG, "rows.jsonl"),
        ("export", LONG, "--to", "onnx"),
        ("trace", LONG, "a/b"),
        ("trace", "a.json", LONG),
    ],
    ids=lambda arguments: arguments[0],
)
def test_name_that_is_too_long_is_one_line(
    tmp_path: Path, monkeypatch: Any, capsys: Any, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(list(arguments)) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"pretrace: {arguments[0]}: ") and said.count("\n") == 1
    assert len(said) < 2200 and "Traceback" not in said


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "not enough memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "not enough memory"),
        (ImportError("libtorch.so: failed to map segment from shared object"), "not enough memory"),
        (RuntimeError("can't start new thread"), "not enough memory"),
        (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
        (OverflowError("int too large to convert to float"), "a number in the input is out of range (int too large"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "abc"), "abc: File name too long"),
        (PermissionError(errno.EACCES, "Permission denied", b"caf\xe9"), "not allowed (Permission denied)"),
        (OSError(errno.ENOSPC, "No space left on device", "out"), "out: the disk is full"),
        (OSError(errno.EIO, "Input/output error", "out"), "out: cannot be read or written"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "out"), "out: Is a directory"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (ConnectionResetError(), "ConnectionResetError"),
        (RuntimeError("SafetensorError: Permission denied (os error 13)"), "not allowed (Permission denied)"),
        (PretraceError("a.csv: row 3: no label"), "a.csv: row 3: no label"),
    ],
    ids=repr,
)
def test_what_the_system_says_is_one_line(capsys: Any, error: Exception, reason: str) -> None:
    assert run_command("check", raising(error)) == 1
    said = capsys.readouterr().err
    assert said.startswith("pretrace: check: ") and said.count("\n") == 1 and reason in said


def test_cause_in_an_error_of_its_own_words_is_found(capsys: Any) -> None:
    """NumPy says for a page that it cannot be imported, and not why."""
    error = ImportError("IMPORTANT: PLEASE READ THIS\n\nfor advice on how to solve this issue!")
    error.__cause__ = ImportError("libopenblas.so: failed to map segment from shared object")
    assert reason_of(error).startswith("not enough memory")
    error.__cause__ = ImportError("broken")
    error.__cause__.__cause__ = error  # a circle is not followed for ever
    assert reason_of(error) == ""


def test_bug_has_a_traceback_without_secrets(capsys: Any) -> None:
    assert run_command("check", raising(ZeroDivisionError("https://me:hunter2@host/x"))) == 1
    said = capsys.readouterr().err
    assert said.startswith("Traceback") and "ZeroDivisionError: https://***@host/x" in said and "hunter2" not in said
    assert report("clean", KeyError("https://me:hunter2@host/x")) == "KeyError: 'https://***@host/x'"


def test_exit_codes_pass(capsys: Any) -> None:
    assert [run_command("a", lambda code=code: code) for code in (None, 0, 3)] == [0, 0, 3]
    assert run_command("a", raising(KeyboardInterrupt())) == 130
    with pytest.raises(SystemExit, match="2"):
        run_command("a", raising(SystemExit(2)))
    assert capsys.readouterr().err == ""


def test_broken_pipe_to_another_process_is_no_reader_that_has_gone(capsys: Any) -> None:
    """As of a worker that died."""
    assert run_command("a", raising(BrokenPipeError(errno.EPIPE, "Broken pipe"))) == 1
    assert capsys.readouterr().err == "pretrace: a: Broken pipe\n"


def test_message_is_one_printable_line(capsys: Any) -> None:
    assert print_error("clean", "a\nb \x1b[2J https://me:hunter2@host") == "a b \\x1b[2J https://***@host"
    assert capsys.readouterr().err == "pretrace: clean: a b \\x1b[2J https://***@host\n"
