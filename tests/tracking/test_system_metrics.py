"""Load of the machine during a stage, under the names that MLflow's page knows."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pretrace import tracking
from pretrace.tracking import system_metrics
from pretrace.tracking.system_metrics import SystemMetricsMonitor
from tests.helpers.mlflow_records import points, queue_run, runs

pytestmark = pytest.mark.slow

PATIENCE = 30.0


def monitored(samples: int) -> SystemMetricsMonitor:
    monitor, deadline = SystemMetricsMonitor().start(), time.monotonic() + PATIENCE
    while len({point[3] for point in monitor.points()}) < samples:
        assert time.monotonic() < deadline, "no sample was taken"
        time.sleep(0.01)
    monitor.stop()
    return monitor


def test_system_metrics_are_uploaded(tracked: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(system_metrics, "FIRST_SAMPLE_SECONDS", 0.01)
    monkeypatch.setattr(system_metrics, "INTERVAL_SECONDS", 0.01)
    queue_run("pretrain", monitor=monitored(3))
    tracking.upload_queued()
    run = runs()["pretrain"]
    assert run.data.metrics["system/stage_memory_megabytes"] > 10
    assert 0 < run.data.metrics["system/system_memory_usage_percentage"] < 100
    assert {"system/cpu_utilization_percentage", "system/disk_usage_percentage"} <= set(run.data.metrics)
    assert [step for step, _ in points(run, "system/disk_usage_percentage")][:3] == [0, 1, 2]


def test_monitor_samples_less_often_in_long_runs(monkeypatch: Any) -> None:
    monkeypatch.setattr(system_metrics, "MAX_SAMPLES", 4)
    monitor = SystemMetricsMonitor()
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) > 40

    monkeypatch.setattr(monitor, "_stopped", SimpleNamespace(wait=wait, set=lambda: None))
    monkeypatch.setattr(system_metrics, "_system_sampler", lambda: lambda: {"system/x": 1.0})
    monitor._run()
    assert len(monitor.points()) <= 4
    assert waits[-1] > 8 * waits[2]


def test_monitor_samples_every_gpu(monkeypatch: Any) -> None:
    nvidia = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(used=25e6 * (handle + 1), total=100e6),
        nvmlDeviceGetUtilizationRates=lambda handle: SimpleNamespace(gpu=90 + handle),
        nvmlDeviceGetPowerUsage=lambda handle: 70_000,
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvidia)
    values = system_metrics._system_sampler()()
    assert values["system/gpu_1_utilization_percentage"] == 91
    assert values["system/gpu_1_memory_usage_percentage"] == 50
    assert values["system/gpu_0_power_usage_watts"] == 70


def test_monitor_without_psutil_is_silent(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    monitor = SystemMetricsMonitor()
    monkeypatch.setattr(system_metrics, "FIRST_SAMPLE_SECONDS", 0.01)
    monitor.start()._thread.join(PATIENCE)
    assert monitor.points() == []
    assert capsys.readouterr() == ("", "")


def test_stage_does_not_import_mlflow() -> None:
    """Neither MLflow nor what monitores the machine: both are loaded elsewhere, or later."""
    code = "import json, sys; import pretrace.pipeline.stage; print(json.dumps(sorted(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"mlflow", "psutil", "pyarrow", "pandas", "yaml"} & set(json.loads(said))
