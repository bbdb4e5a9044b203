"""Is a process still alive? A PID alone is not enough, since PIDs are reused."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

PR_SET_PDEATHSIG = 1
"""Option of Linux's `prctl` that sets the signal which a process gets when its parent dies."""
SHELLS = ("sh", "dash", "bash", "zsh", "ksh", "ash")
Process = list[int | str]
"""PID, start time in clock ticks since boot, and host name; a list, because it is stored as JSON."""


def cpu_count() -> int:
    """Return the number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def this_process() -> Process:
    """Return the current process."""
    return [os.getpid(), _started(os.getpid()), platform.node()]


def dvc_process() -> Process | None:
    """Return the DVC process that runs this stage; None without one, or if the system has no /proc."""
    if not os.environ.get("DVC_STAGE"):
        return None
    pid = os.getppid()
    while _name(pid) in SHELLS:  # DVC starts a stage through a shell, which may replace itself
        pid = _parent(pid)
    return [pid, _started(pid), platform.node()] if pid > 1 and _started(pid) else None


def is_running(pid: int) -> bool:
    """Return True if a process of this host has this PID and is no zombie, which would still accept signals."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # of another user
    return _state(pid) != "Z"


def is_alive(process: Process | None) -> bool:
    """Return True if it is running. None is dead; one on another host counts as alive, since we cannot check."""
    if process is None or process[2] != platform.node():
        return process is not None
    pid = int(process[0])
    return _started(pid) == process[1] and _state(pid) != "Z"


def process_start() -> float:
    """Return the start time of this process, in seconds since the epoch, so that imports count as cost of the stage."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        age = 0.0
    return time.time() - age


def exit_with_parent(death_signal: signal.Signals = signal.SIGKILL, parent: int | None = None) -> None:
    """Have the system send this process a signal when its parent dies. Linux only; elsewhere this does nothing.

    Args:
        parent: PID of the process that started this one, if known. If that is already dead, this one exits at once.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), death_signal)


@contextlib.contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Let processes that are started inside ignore Ctrl-C from their first moment on.

    A terminal sends it to all of them, and one that is still loading its modules would print a traceback. Does nothing
    outside of the main thread, which alone can set signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def exit_with_pool_owner() -> None:
    """In a worker of a pool: exit when the process that owns the pool dies; end at Ctrl-C without a traceback.

    The parent of a worker can be a fork server, which lives as long as its workers.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    exit_with_parent()
    if owner := multiprocessing.parent_process():
        threading.Thread(target=_exit_after, args=(owner,), daemon=True).start()


def _exit_after(owner: multiprocessing.process.BaseProcess) -> None:
    owner.join()
    os._exit(1)


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the state on; empty if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _started(pid: int) -> int:
    return int((_stat(pid) or [""] * 20)[19] or 0)


def _state(pid: int) -> str:
    return (_stat(pid) or [""])[0]


def _parent(pid: int) -> int:
    return int((_stat(pid) or ["", "0"])[1])


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
