"""Launching the ranks of a process group, and noticing when one of them dies.

On a CPU two processes of one thread are faster than one of two (docs/log.md), and a busy machine slows them far less:
they wait for each other once per step, not at every operation. The backend is gloo on CPUs and NCCL on GPUs.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, cast

import torch
import torch.distributed as dist

from pretrace.common.errors import PretraceError
from pretrace.common.processes import exit_with_parent, without_ctrl_c
from pretrace.training.distributed.group import Group, started_by_torchrun

READY, DONE = "ready", "done"
"""Messages of a worker to rank 0: it is about to join the process group; it has done its work."""
EXIT_SECONDS = 3.0
"""Seconds to wait for the message or the exit status of a worker that the others have lost."""
HANG_SECONDS = 20.0
"""Seconds that rank 0 may hang in a collective after a worker died, before its process is ended."""


@contextlib.contextmanager
def process_group(group: Group, work: Callable[..., object], *arguments: Any) -> Iterator[None]:
    """Context in which the ranks of the group can communicate; launches the other ranks unless torchrun has.

    A rank launched here calls `work(its group, *arguments)` and exits. When rank 0 is killed, the system ends the
    others.

    Raises:
        PretraceError: another rank died; the text has its error.
    """
    if group.world_size == 1:
        yield
    elif started_by_torchrun():
        _use_loopback(int(os.environ["LOCAL_WORLD_SIZE"]) == group.world_size)
        if not dist.is_initialized():  # once per process: torchrun's store remembers
            dist.init_process_group(_backend())
        yield
    else:
        with _Workers(group, work, arguments) as workers:
            yield
            workers.join()


class _Workers:
    """The ranks that rank 0 launched, as it sees them."""

    def __init__(self, group: Group, work: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self.group, self.work, self.arguments = group, work, arguments
        self.folder = tempfile.TemporaryDirectory()
        self.processes: list[SpawnProcess] = []
        self.pipes: list[Connection] = []
        self.finished, self.noticed = threading.Event(), threading.Event()
        self.error = ""
        """Describes the first worker that died."""

    def __enter__(self) -> _Workers:
        _use_loopback(True)
        store, context = f"file://{self.folder.name}/store", multiprocessing.get_context("spawn")
        try:
            for rank in range(1, self.group.world_size):
                pipe, theirs = context.Pipe(duplex=False)
                group = replace(self.group, rank=rank, local_rank=rank)
                arguments = (group, theirs, store, os.getpid(), self.work, self.arguments)
                self.processes.append(context.Process(target=_run_worker, args=arguments, daemon=True))
                with without_ctrl_c():
                    self.processes[-1].start()
                self.pipes.append(pipe)
                theirs.close()
            for pipe in self.pipes:  # gloo would wait half an hour for a worker that died before joining
                if (message := _receive(pipe)) != READY:
                    raise PretraceError(self._describe_exit(pipe, message))
            dist.init_process_group(_backend(), init_method=store, rank=0, world_size=self.group.world_size)
        except BaseException:
            self._end()
            raise
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, RuntimeError):  # torch raises it when another rank does not answer
            self.noticed.wait(EXIT_SECONDS)
        self.finished.set()
        worker_error = self.error
        self._end()
        if worker_error and isinstance(error, RuntimeError):
            raise PretraceError(worker_error) from error

    def join(self) -> None:
        """Wait for the workers to exit."""
        self.finished.set()
        for process in self.processes:
            process.join()

    def _end(self) -> None:
        for process in self.processes:
            process.kill()
        if dist.is_initialized():
            dist.destroy_process_group()
        self.folder.cleanup()

    def _describe_exit(self, pipe: Connection, message: str) -> str:
        """Return one line on a worker that died."""
        index = self.pipes.index(pipe)
        process = self.processes[index]
        process.join(EXIT_SECONDS)
        return (
            f"rank {index + 1} of {self.group.world_size} died ({message or _exit_status(process)}); "
            "run again to resume from the last checkpoint"
        )

    def _watch(self) -> None:
        """Record the first worker that dies; runs in a thread of its own.

        gloo then fails at once, and the main thread raises. NCCL may hang for long, so this process is ended.
        """
        waiting = list(self.pipes)
        while waiting:
            for pipe in cast("list[Connection]", wait(waiting)):
                waiting.remove(pipe)
                message = _receive(pipe)
                if message == DONE:
                    continue
                self.error = self._describe_exit(pipe, message)
                self.noticed.set()
                if not self.finished.wait(HANG_SECONDS):
                    print(f"pretrace: {self.error}", file=sys.stderr, flush=True)
                    os._exit(1)
                return


def _receive(pipe: Connection) -> str:
    """Return a worker's message; "" if it died without one."""
    try:
        return str(pipe.recv())
    except (EOFError, OSError):
        return ""


def _exit_status(process: SpawnProcess) -> str:
    code = process.exitcode
    return signal.Signals(-code).name if code and code < 0 else f"exit status {code}"


def _run_worker(
    group: Group, pipe: Connection, store: str, parent: int, work: Callable[..., object], arguments: tuple[Any, ...]
) -> None:
    exit_with_parent(parent=parent)
    # Rank 0 gets these signals, too, and decides for all.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        pipe.send(READY)
        dist.init_process_group(_backend(), init_method=store, rank=group.rank, world_size=group.world_size)
        work(group, *arguments)
        pipe.send(DONE)
        dist.destroy_process_group()
        sys.stderr.flush()
        os._exit(0)  # unloading torch takes a second
    except BaseException as error:
        with contextlib.suppress(OSError):
            pipe.send(f"{type(error).__name__}: {' '.join(str(error).split())[:500]}")
        if not isinstance(error, PretraceError | SystemExit) and "Connection closed" not in str(error):
            traceback.print_exc()
        os._exit(1)


def _backend() -> str:
    return "nccl" if torch.cuda.is_available() else "gloo"


def _use_loopback(one_machine: bool) -> None:
    """Let ranks of one machine do without its name and address, which containers often lack."""
    if one_machine:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo" if sys.platform == "linux" else "lo0")
