"""Parallel map of a function over batches, by several workers, with results in the order of the batches.

Whatever the engine and the number of workers, the results are the same, so a file made from them has the same bytes.
Only as many batches are submitted as the workers need to stay busy: memory does not grow with the corpus.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import cycle, islice
from multiprocessing import forkserver, get_context
from typing import TYPE_CHECKING, Any, TypeVar

from pretrace.common.errors import PretraceError
from pretrace.common.processes import exit_with_pool_owner, without_ctrl_c

if TYPE_CHECKING:
    from pretrace.settings import Workers

Batch = TypeVar("Batch")
Result = TypeVar("Result")
BATCHES_AHEAD = 3
"""Batches that are submitted per worker, so that none waits for the reader."""
ALWAYS_LOADED = ("pretrace.pipeline.stage",)
"""A worker imports the script of its stage, and with it this."""
RETRIES = 2
PIPE_BYTES = 1 << 20
"""Capacity of the pipes between processes; the usual 64 KB would block them many times per batch."""
LOST = "a worker died without an error (killed or out of memory); lower workers.count in params.yaml"
NOT_THERE = "a Ray worker cannot find it; workers on several hosts need the project in a shared folder"


def map_in_order(
    function: Callable[[Batch], Result],
    batches: Iterable[Batch],
    workers: Workers | None,
    preload: Sequence[str] = (),
) -> Iterator[tuple[Batch, Result]]:
    """Yield each batch with `function(batch)`, in the order of the batches.

    `function` can be pickled, and its result depends only on its argument; its exceptions are raised here. It is
    sent to each worker once, so it may be large. One process, or None, is this one. Modules named in `preload` are
    imported once for all processes of this machine.

    Raises:
        PretraceError: a worker was lost, or Ray is asked for and not installed.
    """
    if workers is None or (workers.engine == "processes" and workers.count == 1):
        yield from ((batch, function(batch)) for batch in batches)
        return
    with ENGINES[workers.engine](function, workers.count, preload) as (submit, result_of):
        remaining = iter(batches)
        waiting = deque((batch, submit(batch)) for batch in islice(remaining, workers.count * BATCHES_AHEAD))
        while waiting:
            batch, promise = waiting.popleft()
            result = result_of(promise)
            waiting.extend((following, submit(following)) for following in islice(remaining, 1))
            yield batch, result


@contextlib.contextmanager
def _processes(function: Callable[..., Any], count: int, preload: Sequence[str]) -> Iterator[tuple[Callable, Callable]]:
    """Start processes on this machine, forked from a clean one: this one may have threads by now."""
    context = get_context("forkserver")
    context.set_forkserver_preload([*ALWAYS_LOADED, *preload])
    with without_ctrl_c():
        forkserver.ensure_running()
    pool = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(function,))
    _widen_pipes(pool)

    def result_of(promise: Any) -> Any:
        try:
            return promise.result()
        except BrokenProcessPool:
            raise PretraceError(LOST) from None

    try:
        yield (lambda batch: pool.submit(_work, batch)), result_of
    finally:
        pool.shutdown(cancel_futures=True)


def _widen_pipes(pool: ProcessPoolExecutor) -> None:
    """Widen the pipes if the system and this Python allow it; for speed only."""
    with contextlib.suppress(AttributeError, OSError):
        queues: tuple[Any, ...] = (pool._call_queue, pool._result_queue)  # type: ignore[attr-defined]
        for queue in queues:
            fcntl.fcntl(queue._writer.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


_function: Callable[..., Any]


def _begin(function: Callable[..., Any]) -> None:
    """Set up a worker: it ignores Ctrl-C, which its parent handles, and ends when that is killed."""
    global _function
    _function = function
    exit_with_pool_owner()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(batch: Any) -> Any:
    return _function(batch)


@contextlib.contextmanager
def _ray(function: Callable[..., Any], count: int, preload: Sequence[str]) -> Iterator[tuple[Callable, Callable]]:
    """Use the Ray cluster that RAY_ADDRESS names, else a temporary one on this machine."""
    try:
        import ray
    except ModuleNotFoundError:
        raise PretraceError(
            "params.yaml: workers.engine: ray is not installed; `pip install 'pretrace[ray]'`, or take `processes`"
        ) from None
    started = not ray.is_initialized()
    if started:
        ray.init(log_to_driver=False, logging_level="error", **({} if os.environ.get("RAY_ADDRESS") else _local(count)))
    # A worker that is lost is restarted and repeats its batches, with the same results.
    worker = ray.remote(num_cpus=1, max_restarts=RETRIES, max_task_retries=RETRIES)(RayWorker)
    turns = cycle([worker.remote(function) for _ in range(count)])

    def result_of(promise: Any) -> Any:
        try:
            return ray.get(promise)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, FileNotFoundError):
                raise PretraceError(f"{error.cause.filename}: {NOT_THERE}") from None
            raise error.cause from None
        except ray.exceptions.RayError as error:
            raise PretraceError(f"{LOST} (Ray: {' '.join(str(error).split())[:200]})") from None

    try:
        yield (lambda batch: next(turns).work.remote(batch)), result_of
    finally:
        if started:
            ray.shutdown()


def _local(count: int) -> dict[str, Any]:
    """Return the options of a cluster of so many workers on this machine, with this process's module path."""
    variables = {"PYTHONPATH": os.pathsep.join(sys.path)}
    return {"num_cpus": count, "include_dashboard": False, "runtime_env": {"env_vars": variables}}


class RayWorker:
    """An actor that holds the function, and its caches, between batches."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def work(self, batch: Any) -> Any:
        return self._function(batch)


ENGINES = {"processes": _processes, "ray": _ray}
