"""What a stage takes of the machine while it runs, under MLflow's own names, so that its page shows them as such.

A thread looks every few seconds, for a millisecond; a run of hours keeps some hundred looks, further and further
apart. Needs psutil, and for GPUs nvidia-ml-py; without them there is less to see, and no word about it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

FIRST_LOOK_SECONDS, EVERY_SECONDS = 1.0, 5.0
MOST_LOOKS = 400
MEGABYTE = 1e6
Point = tuple[str, float, int, int]
"""Metric, value, milliseconds since the epoch, step."""


class SystemWatch:
    """Looks at the machine from `start` to `stop`."""

    def __init__(self) -> None:
        self._looks: list[tuple[int, dict[str, float]]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="system metrics", daemon=True)

    def start(self) -> SystemWatch:
        """Begin; a stage that is done within a second loads nothing for it."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End; a look that has begun is not waited for."""
        self._over.set()

    def points(self) -> list[Point]:
        """What was seen up to now."""
        looks = list(self._looks)
        return [(name, value, at, step) for step, (at, values) in enumerate(looks) for name, value in values.items()]

    def _watch(self) -> None:
        wait = FIRST_LOOK_SECONDS
        every = EVERY_SECONDS
        with contextlib.suppress(Exception):  # it is for show: nothing that goes wrong here is the stage's concern
            look: Callable[[], dict[str, float]] | None = None
            while not self._over.wait(wait):
                if look is None:  # the processors' use is that since the look before
                    look = _look_of_process()
                    continue
                self._looks.append((int(time.time() * 1000), look()))
                if len(self._looks) > MOST_LOOKS:
                    self._looks, every = self._looks[::2], every * 2
                wait = every


def _look_of_process() -> Callable[[], dict[str, float]]:
    """A function that gives what the machine is like now."""
    import psutil

    process, gpus = psutil.Process(), _gpus()
    psutil.cpu_percent()  # the first call only sets the clock

    def look() -> dict[str, float]:
        memory, disk = psutil.virtual_memory(), psutil.disk_usage(".")
        values = {
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / MEGABYTE,
            "system_memory_usage_percentage": memory.percent,
            "disk_usage_megabytes": disk.used / MEGABYTE,
            "disk_usage_percentage": disk.percent,
            "disk_available_megabytes": disk.free / MEGABYTE,
            "stage_memory_megabytes": _memory_of(process) / MEGABYTE,
        }
        for number, gpu in enumerate(gpus):
            values |= {f"gpu_{number}_{name}": value for name, value in gpu().items()}
        return {f"system/{name}": round(float(value), 3) for name, value in values.items()}

    return look


def _memory_of(process: Any) -> int:
    """Resident bytes of a process and those it started; what they share counts for each."""
    import psutil

    total = 0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            total += one.memory_info().rss
    return total


def _gpus() -> list[Callable[[], dict[str, float]]]:
    """A function for each GPU of NVIDIA's; none without nvidia-ml-py or a driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]
    except Exception:
        return []

    def look(handle: Any) -> dict[str, float]:
        memory, used = pynvml.nvmlDeviceGetMemoryInfo(handle), pynvml.nvmlDeviceGetUtilizationRates(handle)
        return {
            "utilization_percentage": used.gpu,
            "memory_usage_megabytes": memory.used / MEGABYTE,
            "memory_usage_percentage": 100 * memory.used / memory.total,
            "power_usage_watts": pynvml.nvmlDeviceGetPowerUsage(handle) / 1000,
        }

    return [partial(look, handle) for handle in handles]
