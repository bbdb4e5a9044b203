"""Processes that are alive, and the process of DVC."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from typing import Any

import pytest

from pretrace.common import processes

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def gone() -> list[int | str]:
    """A process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return [process.pid, 1, platform.node()]


@linux
def test_process_is_identified_by_more_than_its_pid() -> None:
    own = processes.this_process()
    assert processes.is_alive(own)
    assert not processes.is_alive([own[0], own[1] - 1, own[2]])
    assert processes.is_alive([own[0], own[1] - 1, "another machine"])
    assert not processes.is_alive(gone())
    assert not processes.is_alive(None)


@linux
@pytest.mark.parametrize("shell", [[], ["sh", "-c", '"$0" "$@"; exit $?']])
def test_dvc_process_is_recognized_behind_its_shell(shell: list[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("DVC_STAGE", "clean")
    code = "import json; from pretrace.common.processes import dvc_process; print(json.dumps(dvc_process()))"
    said = subprocess.run([*shell, sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == processes.this_process()


def test_dvc_process_is_none_without_dvc(monkeypatch: Any) -> None:
    monkeypatch.delenv("DVC_STAGE", raising=False)
    assert processes.dvc_process() is None
