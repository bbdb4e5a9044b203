"""Processes that end with the one that started them, however that one ends."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1
"""The option of Linux's `prctl` that asks for it."""


def end_with_parent(number: signal.Signals = signal.SIGKILL, parent: int | None = None) -> None:
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


def end_with_starter() -> None:
    """For a worker of a pool: end when the process that has the pool is gone.

    The parent of a worker can be a server that forks them, and that lives for as long as a worker does.
    """
    end_with_parent()
    if starter := multiprocessing.parent_process():
        threading.Thread(target=_end_after, args=(starter,), daemon=True).start()


def _end_after(starter: multiprocessing.process.BaseProcess) -> None:
    starter.join()
    os._exit(1)
