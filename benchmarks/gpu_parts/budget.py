"""Parts with a time budget each: a part runs in a process of its own, and what it has by then is kept."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.processes import exit_with_pool_owner
from pretrace.schemas.machines.gpu import GpuPart

Found = tuple[str, str, Any]
"""A result: its section of the record, the scale that it is of, and the record itself."""


@dataclass(frozen=True)
class Part:
    """A part of the script."""

    seconds: float
    """Its budget, which is what is left if that is less."""
    work: Callable[[float], Iterator[Found]]
    """Yields results, a later one in place of an earlier one of the same name; it is given its budget."""


def run_part(part: Part, left: float, keep: Callable[[Found], None]) -> GpuPart:
    """Run a part until it ends or its time is over; hand on each result at once.

    Args:
        left: seconds left for all parts.
    """
    budget, started = max(0.0, min(part.seconds, left)), time.monotonic()
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(part, budget, sending))
    process.start()
    sending.close()
    error: str | None = f"stopped after {budget:.0f} s, its budget"
    try:
        while receiving.poll(max(0.0, started + budget - time.monotonic())):
            answer = receiving.recv()
            if not isinstance(answer, tuple):
                error = answer
                break
            keep(answer)
    except EOFError:
        process.join()
        error = f"its process died, exit code {process.exitcode}"
    finally:
        process.kill()
        process.join()
    return GpuPart(seconds=round(time.monotonic() - started, 1), budget=round(budget, 1), error=error)


def _work(part: Part, budget: float, pipe: Connection) -> None:
    """Send the results, then None; or the error in one line."""
    exit_with_pool_owner()
    try:
        for found in part.work(budget):
            pipe.send(found)
        pipe.send(None)
    except Exception as error:
        lines = str(error).strip().splitlines() or ["no message"]
        pipe.send(lines[0] if isinstance(error, PretraceError) else f"{type(error).__name__}: {lines[0]}"[:300])
