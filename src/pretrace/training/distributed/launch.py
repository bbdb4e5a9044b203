"""Several processes that train one model: how they are started, meet, and end.

On a CPU two processes of one thread are faster than one of two (docs/log.md), and a busy machine slows them far less:
they wait for each other once a step, not at every operation. They talk over gloo, with GPUs over NCCL.
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
from typing import Any, cast

import torch
import torch.distributed as dist

from pretrace.common.errors import PretraceError
from pretrace.common.processes import exit_with_parent
from pretrace.training.distributed.group import Group, started_by_torchrun

HERE, DONE = "here", "done"
"""What a process says to number 0: that it is ready to meet the others, and that it has done its work."""
NOTICE_SECONDS = 3.0
"""How long a process may take to end after the others have lost it."""
HANG_SECONDS = 20.0
"""How long number 0 may still wait for a process that is gone, before it is ended from within."""


@contextlib.contextmanager
def meet(group: Group, work: Callable[..., Any], *arguments: Any) -> Iterator[None]:
    """Within the block the processes of the group can talk; others, if torchrun has not, are started for it.

    A process that is started here calls `work(its group, *arguments)` and ends. When number 0 is killed, the system
    ends the others.

    Raises:
        PretraceError: another process ended before its time; the text has what it said.
    """
    if group.size == 1:
        yield
    elif started_by_torchrun():
        _use_loopback(int(os.environ["LOCAL_WORLD_SIZE"]) == group.size)
        if not dist.is_initialized():  # once in the life of a process: torchrun's meeting place remembers
            dist.init_process_group(_backend())
        yield
    else:
        with _Others(group, work, arguments) as others:
            yield
            others.join()


class _Others:
    """The processes besides number 0, as number 0 sees them."""

    def __init__(self, group: Group, work: Callable[..., Any], arguments: tuple) -> None:
        self.group, self.work, self.arguments = group, work, arguments
        self.folder = tempfile.TemporaryDirectory()
        self.processes: list[SpawnProcess] = []
        self.pipes: list[Connection] = []
        self.over, self.noticed = threading.Event(), threading.Event()
        self.lost = ""
        """What there is to say of the process that ended before its time."""

    def __enter__(self) -> _Others:
        _use_loopback(True)
        meeting, context = f"file://{self.folder.name}/meeting", multiprocessing.get_context("spawn")
        try:
            for rank in range(1, self.group.size):
                pipe, theirs = context.Pipe(duplex=False)
                group = replace(self.group, rank=rank, local=rank)
                arguments = (group, theirs, meeting, os.getpid(), self.work, self.arguments)
                self.processes.append(context.Process(target=_other, args=arguments, daemon=True))
                self.processes[-1].start()
                self.pipes.append(pipe)
                theirs.close()
            for pipe in self.pipes:  # gloo itself would wait half an hour for one that never comes
                if (said := self._said_by(pipe)) != HERE:
                    raise PretraceError(self._end_of(pipe, said))
            dist.init_process_group(_backend(), init_method=meeting, rank=0, world_size=self.group.size)
        except BaseException:
            self._end()
            raise
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, *_: object) -> None:
        if isinstance(error, RuntimeError):  # so torch says that another process does not answer
            self.noticed.wait(NOTICE_SECONDS)
        self.over.set()
        lost = self.lost
        self._end()
        if lost and isinstance(error, RuntimeError):
            raise PretraceError(lost) from error

    def join(self) -> None:
        """Wait for them to end."""
        self.over.set()
        for process in self.processes:
            process.join()

    def _end(self) -> None:
        for process in self.processes:
            process.kill()
        if dist.is_initialized():
            dist.destroy_process_group()
        self.folder.cleanup()

    def _said_by(self, pipe: Connection) -> str:
        try:
            return pipe.recv()
        except (EOFError, OSError):
            return ""

    def _end_of(self, pipe: Connection, said: str) -> str:
        """One line on a process that has ended."""
        number = self.pipes.index(pipe) + 1
        process = self.processes[number - 1]
        process.join(NOTICE_SECONDS)
        return (
            f"process {number + 1} of {self.group.size} ended before its time ({said or self._status(process)}); "
            "run again, it goes on from the last checkpoint"
        )

    def _status(self, process: SpawnProcess) -> str:
        code = process.exitcode
        return signal.Signals(-code).name if code and code < 0 else f"exit status {code}"

    def _listen(self) -> None:
        """Note the first process that ends before its time; in a thread of its own.

        gloo then fails at once, and the main thread tells. NCCL does not for a long time, so this process is ended.
        """
        waiting = list(self.pipes)
        while waiting:
            for pipe in cast("list[Connection]", wait(waiting)):
                waiting.remove(pipe)
                said = self._said_by(pipe)
                if said == DONE:
                    continue
                self.lost = self._end_of(pipe, said)
                self.noticed.set()
                if not self.over.wait(HANG_SECONDS):
                    print(f"pretrace: {self.lost}", file=sys.stderr, flush=True)
                    os._exit(1)
                return


def _other(group: Group, pipe: Connection, meeting: str, parent: int, work: Callable[..., Any], rest: tuple) -> None:
    exit_with_parent(parent=parent)
    # Number 0 hears of it, too, and decides for all.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        pipe.send(HERE)
        dist.init_process_group(_backend(), init_method=meeting, rank=group.rank, world_size=group.size)
        work(group, *rest)
        pipe.send(DONE)
        dist.destroy_process_group()
        sys.stderr.flush()
        os._exit(0)  # taking down what torch has loaded takes a second
    except BaseException as error:
        with contextlib.suppress(OSError):
            pipe.send(f"{type(error).__name__}: {' '.join(str(error).split())[:500]}")
        if not isinstance(error, PretraceError | SystemExit) and "Connection closed" not in str(error):
            traceback.print_exc()
        os._exit(1)


def _backend() -> str:
    return "nccl" if torch.cuda.is_available() else "gloo"


def _use_loopback(one_machine: bool) -> None:
    """Processes of one machine need no name or address of it, which containers often lack."""
    if one_machine:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo" if sys.platform == "linux" else "lo0")
