"""benchmarks/gpu.py at its tiny size on a CPU, and how its parts end: whole, with an error, or out of time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pretrace.common.processes import is_running
from pretrace.schemas.machines.gpu import GpuRecord
from pretrace.schemas.record import read_record
from tests.helpers import REPOSITORY

SCRIPT = REPOSITORY / "benchmarks" / "gpu.py"
NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture
def gpu_parts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of parts with a budget, which stands beside the script."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    import gpu_parts.budget

    return gpu_parts.budget


def run_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, env=os.environ | NO_GPU, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_script_measures_every_part_on_a_cpu(tmp_path: Path) -> None:
    done = run_script("--sizes", "tiny", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    record = read_record(tmp_path / "cpu.json", GpuRecord)
    assert [part.error for part in record.parts.values()] == [None] * 5
    parity, speed, check = (getattr(record, section)["laptop"] for section in ("parity", "speed", "check"))
    assert parity.same and parity.gradients == 0  # a CPU against itself
    assert speed.same and speed.mfu is None
    assert len(speed.milliseconds["ours"]) == len(speed.milliseconds["plain"]) == 2
    assert check.tokens_per_second > 0
    resume, tuned = record.resume["laptop"], record.finetuning["laptop"]
    assert resume.same_bytes
    assert (resume.steps, resume.killed_after, resume.resumed_from) == (6, 3, 2)
    assert len(tuned.scores) == tuned.seeds and tuned.seconds_at_once
    assert "| killed and resumed | laptop | same bytes, from step 2 of 6 |" in done.stdout


@pytest.mark.slow
def test_full_size_needs_a_gpu(tmp_path: Path) -> None:
    done = run_script("--out", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("PyTorch sees no GPU (docs/gpu.md); --sizes tiny runs on a CPU")
    assert not list(tmp_path.iterdir())


def test_budgets_fit_into_eight_minutes(gpu_parts: Any) -> None:
    from gpu import SECONDS, parts_of
    from gpu_parts.sizes import SIZES

    assert sum(part.seconds for part in parts_of(SIZES["full"]).values()) <= SECONDS < 480


def test_part_whose_time_is_over_keeps_what_it_has(gpu_parts: Any) -> None:
    found: list[Any] = []

    def work(budget: float) -> Iterator[Any]:
        yield "speed", "small", os.getpid()
        time.sleep(60)

    ended = gpu_parts.run_part(gpu_parts.Part(60, work), 0.5, found.append)
    assert ended.error == "stopped after 0 s, its budget" and ended.seconds < 30
    ((section, scale, pid),) = found
    assert (section, scale) == ("speed", "small")
    assert not is_running(pid)


def test_part_that_fails_is_one_line(gpu_parts: Any) -> None:
    def raises(budget: float) -> Iterator[Any]:
        yield "speed", "small", 1
        raise RuntimeError("CUDA error\nand what to do")

    def dies(budget: float) -> Iterator[Any]:
        os.kill(os.getpid(), signal.SIGKILL)
        yield "speed", "small", 1

    found: list[Any] = []
    assert gpu_parts.run_part(gpu_parts.Part(60, raises), 60, found.append).error == "RuntimeError: CUDA error"
    assert gpu_parts.run_part(gpu_parts.Part(60, dies), 60, found.append).error == "its process died, exit code -9"
    assert len(found) == 1


def test_arm_that_fails_is_named(gpu_parts: Any) -> None:
    from turns import ArmError, run_in_turns

    def broken() -> Any:
        raise MemoryError("too large")

    def well() -> Any:
        return lambda step, with_dropout: 0.0

    with pytest.raises(ArmError, match=r"^broken: MemoryError: too large$"):
        run_in_turns({"well": well, "broken": broken}, 2, 1, start="fork")
    turns = run_in_turns({"one": well, "other": well}, 5, 1, start="fork", until=0.0)
    assert len(turns.milliseconds["one"]) == 1  # time is over after the first round


@pytest.mark.slow
def test_plain_gpt_has_the_loss_and_the_gradients_of_ours(gpu_parts: Any) -> None:
    import torch
    from gpu_parts.plain_gpt import PlainGPT
    from gpu_parts.sizes import SIZES
    from training_arms import batches, loss_of, model_of, objective_of

    from pretrace.training.engine.device import Device

    size = SIZES["tiny"].size("laptop")
    ours, theirs = model_of(size), PlainGPT(size.model, size.vocabulary)
    theirs.load_state_dict(ours.state_dict())
    loss = loss_of(ours, objective_of(size), batches(size)(0), 0, 0.0, Device("cpu", torch.float32, "test"))
    plain = theirs.eval()(batches(size)(0))
    torch.testing.assert_close(loss, plain, rtol=0, atol=1e-6)
    loss.backward()
    plain.backward()
    for (name, one), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-6, msg=name)
