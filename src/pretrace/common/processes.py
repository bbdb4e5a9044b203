"""Whether a process that was there is there still: its number alone may be another one's by now."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import platform
import signal
import sys
import threading
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
"""The option of Linux's `prctl` that asks for it."""
SHELLS = ("sh", "dash", "bash", "zsh", "ksh", "ash")
Process = list[int | str]
"""Number, the moment it started, in ticks since the machine did, and the machine; a list, as JSON has it."""


def this_process() -> Process:
    """The one that asks."""
    return [os.getpid(), _started(os.getpid()), platform.node()]


def dvc_process() -> Process | None:
    """The DVC that runs this stage; None without one, or where the system does not say."""
    if not os.environ.get("DVC_STAGE"):
        return None
    number = os.getppid()
    while _name(number) in SHELLS:  # DVC starts a stage by a shell, which may or may not be there
        number = _parent(number)
    return [number, _started(number), platform.node()] if number > 1 and _started(number) else None


def is_running(number: int) -> bool:
    """Whether a process of this machine has this number and has not ended: one that nobody has asked about since is
    in the system's table for a while, and answers to signals."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # another user's
    return _state(number) != "Z"


def is_alive(process: Process | None) -> bool:
    """Whether it runs; None does not, and of another machine, which shares our files, we do not know otherwise."""
    if process is None or process[2] != platform.node():
        return process is not None
    number = int(process[0])
    return _started(number) == process[1] and _state(number) != "Z"


def process_start() -> float:
    """When this process started, in seconds since the epoch, so that imports count as the stage's cost."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        age = 0.0
    return time.time() - age


def exit_with_parent(number: signal.Signals = signal.SIGKILL, parent: int | None = None) -> None:
    """Have the system send this process the signal `number` when its parent is gone. Linux only; elsewhere nothing.

    Args:
        parent: the id of the process that started this one, if it is known: where it is gone already, this one ends
            at once.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), number)


def exit_with_pool_owner() -> None:
    """For a worker of a pool: end when the process that has the pool is gone.

    The parent of a worker can be a server that forks them, and that lives for as long as a worker does.
    """
    exit_with_parent()
    if starter := multiprocessing.parent_process():
        threading.Thread(target=_end_after, args=(starter,), daemon=True).start()


def _end_after(starter: multiprocessing.process.BaseProcess) -> None:
    starter.join()
    os._exit(1)


def _stat(number: int) -> list[str]:
    """/proc's line on a process from its state on; empty when there is none."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _started(number: int) -> int:
    return int((_stat(number) or [""] * 20)[19] or 0)


def _state(number: int) -> str:
    return (_stat(number) or [""])[0]


def _parent(number: int) -> int:
    return int((_stat(number) or ["", "0"])[1])


def _name(number: int) -> str:
    try:
        return Path(f"/proc/{number}/comm").read_text().strip()
    except OSError:
        return ""
