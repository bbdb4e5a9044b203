"""Monitoring of the system while a stage runs, under MLflow's own metric names, so that its page recognizes them.

A thread takes a sample every few seconds, in a millisecond; a run of hours keeps some hundred samples, at growing
intervals. Needs psutil, and nvidia-ml-py for GPUs; without them fewer metrics are logged, silently.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

FIRST_SAMPLE_SECONDS, INTERVAL_SECONDS = 1.0, 5.0
MAX_SAMPLES = 400
MEGABYTE = 1e6
Point = tuple[str, float, int, int]
"""Metric, value, milliseconds since the epoch, step."""
Sampler = Callable[[], dict[str, float]]


class SystemMetricsMonitor:
    """Samples system metrics from `start` to `stop`."""

    def __init__(self) -> None:
        self._samples: list[tuple[int, dict[str, float]]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="system metrics", daemon=True)

    def start(self) -> SystemMetricsMonitor:
        """Start sampling. A stage that is done within a second imports nothing for it."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop sampling, without waiting for a sample that is being taken."""
        self._stopped.set()

    def points(self) -> list[Point]:
        """Return all points so far."""
        samples = list(self._samples)
        return [(name, value, at, step) for step, (at, values) in enumerate(samples) for name, value in values.items()]

    def _run(self) -> None:
        wait = FIRST_SAMPLE_SECONDS
        interval = INTERVAL_SECONDS
        with contextlib.suppress(Exception):  # a failure to monitor must not fail the stage
            sample: Sampler | None = None
            while not self._stopped.wait(wait):
                if sample is None:  # CPU use is measured since the sample before
                    sample = _system_sampler()
                    continue
                self._samples.append((max(0, int(time.time() * 1000)), sample()))
                if len(self._samples) > MAX_SAMPLES:
                    self._samples, interval = self._samples[::2], interval * 2
                wait = interval


def _system_sampler() -> Sampler:
    """Return a function that takes one sample of this process and its machine."""
    import psutil

    process, gpus = psutil.Process(), _gpu_samplers()
    psutil.cpu_percent()  # the first call only sets the clock

    def sample() -> dict[str, float]:
        memory, disk = psutil.virtual_memory(), psutil.disk_usage(".")
        values = {
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / MEGABYTE,
            "system_memory_usage_percentage": memory.percent,
            "disk_usage_megabytes": disk.used / MEGABYTE,
            "disk_usage_percentage": disk.percent,
            "disk_available_megabytes": disk.free / MEGABYTE,
            "stage_memory_megabytes": _resident_bytes(process) / MEGABYTE,
        }
        for number, gpu in enumerate(gpus):
            values |= {f"gpu_{number}_{name}": value for name, value in gpu().items()}
        return {f"system/{name}": round(float(value), 3) for name, value in values.items()}

    return sample


def _resident_bytes(process: Any) -> int:
    """Return the resident memory of a process and its children; shared memory counts for each of them."""
    import psutil

    total = 0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            total += one.memory_info().rss
    return total


def _gpu_samplers() -> list[Sampler]:
    """Return a function for each NVIDIA GPU; none without nvidia-ml-py or a driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]
    except Exception:
        return []

    def sample(handle: Any) -> dict[str, float]:
        memory, used = pynvml.nvmlDeviceGetMemoryInfo(handle), pynvml.nvmlDeviceGetUtilizationRates(handle)
        return {
            "utilization_percentage": used.gpu,
            "memory_usage_megabytes": memory.used / MEGABYTE,
            "memory_usage_percentage": 100 * memory.used / memory.total,
            "power_usage_watts": pynvml.nvmlDeviceGetPowerUsage(handle) / 1000,
        }

    return [partial(sample, handle) for handle in handles]
