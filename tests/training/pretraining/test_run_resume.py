"""A real run, in processes of its own, that is ended at random moments: the weights are those of an undisturbed one."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from pretrace.model import load_model
from tests.helpers import REPOSITORY
from tests.helpers.small_training import Killed, elsewhere, killer, run, settings_with, weights_of

pytestmark = pytest.mark.slow

KILLS = 20
CHANGES = {
    "pretrain.steps": 240,
    "pretrain.checkpoint_every": 5,
    "pretrain.sample_every": 40,
    "pretrain.save_at_powers_of_two": True,
}
RUN = """
import json, os, signal, sys, time, torch
sys.path.insert(0, {repository!r})
from pathlib import Path
from tests.helpers.small_training import run, settings_with
from pretrace.model import save_model
from pretrace.training.engine.device import choose_device
import pretrace.training.pretraining.monitor

def sample(model):
    return [{{"prompt": "a", "text": str(model.token_embedding.weight.sum().item())}}]

def train():
    out = Path(sys.argv[1])
    result = run(settings_with({changes!r}), Path({shards!r}), sample=sample)
    if result is None:
        return
    save_model(out, result.model)
    steps = [path.name for path in sorted(result.steps.iterdir())] if result.steps else []
    (out / "result.json").write_text(json.dumps([result.metrics.as_json(), result.curve, result.samples, steps]))

if __name__ == "__main__":
    pretrace.training.pretraining.monitor.peak_flops = lambda device: 1e12
"""
KILLED = """
    # PyTorch is loaded once: what is killed is a fork of this process, which has computed nothing yet.
    choose_device("float32", 1)
    torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
    saved = lambda: set(Path(sys.argv[1], ".pretrace").rglob("step-*"))
    for line in sys.stdin:
        number, seconds, at_work = line.split()
        before, until = saved(), time.monotonic() + 30
        child = os.fork()
        if child == 0:
            train()
            os._exit(0)
        while int(at_work) and not saved() - before and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(float(seconds))
        os.kill(child, int(number))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    train()
"""


def script(shards: Path, changes: dict, body: str) -> list[str]:
    """The command that trains, with the folder for the result still to come."""
    text = RUN.format(repository=str(REPOSITORY), changes=changes, shards=str(shards)) + body
    Path("run.py").write_text(text)
    return [sys.executable, "run.py"]


def result_in(folder: Path) -> tuple[dict[str, bytes], list]:
    model = load_model(folder)
    weights = {name: p.detach().numpy().tobytes() for name, p in model.named_parameters()}
    return weights, json.loads((folder / "result.json").read_text())


def sample(model: torch.nn.Module) -> list[dict[str, str]]:
    return [{"prompt": "a", "text": str(model.token_embedding.weight.sum().item())}]


def test_run_killed_at_random_moments_ends_in_the_same_bytes(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere("undisturbed", monkeypatch)
    started = time.monotonic()
    undisturbed = run(settings_with(CHANGES), shards, sample=sample)
    whole = time.monotonic() - started  # a busy machine takes longer to its first checkpoint
    killed = elsewhere("killed", monkeypatch)
    command = script(shards, CHANGES, KILLED)
    chance = random.Random(5)
    signals = [chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]) for _ in range(KILLS)]
    # Every third is killed some time after a checkpoint, the others as often before the first step as behind it.
    moments = [chance.uniform(0.003, 0.05) * whole for _ in signals]
    lines = [
        f"{int(kill)} {moment} {int(n % 3 == 0)}" for n, (kill, moment) in enumerate(zip(signals, moments, strict=True))
    ]
    done = subprocess.run([*command, killed], input="\n".join(lines), text=True, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr
    codes = [int(line) for line in done.stdout.splitlines() if line.lstrip("-").isdigit()]
    assert len(codes) == KILLS
    assert sum(code == -signal.SIGKILL for code in codes) > KILLS / 3  # most found it at work
    assert done.stderr.count("resuming from the checkpoint") > 3
    weights, (metrics, curve, samples, steps) = result_in(killed)
    assert weights == weights_of(undisturbed)
    assert (metrics, curve, samples) == (undisturbed.metrics.as_json(), undisturbed.curve, undisturbed.samples)
    assert [row["step"] for row in curve] == list(range(1, 241))
    assert [row["step"] for row in samples] == list(range(40, 241, 40))
    assert steps == [f"step-{step:08d}.safetensors" for step in (1, 2, 4, 8, 16, 32, 64, 128)]
    (folder,) = (killed / ".pretrace" / "checkpoints").iterdir()
    assert len(list(folder.glob("step-*"))) == 4
    assert not list(folder.rglob("*.tmp"))


TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
WHOLE = "    train()\n"


def test_sharded_run_resumes_and_equals_an_unsharded_one(
    shards: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    changes = {"pretrain.steps": 12, "pretrain.sample_every": 4, "pretrain.save_at_powers_of_two": True}
    alone = run(settings_with(changes), shards, sample=sample)
    elsewhere("sharded", monkeypatch)
    settings = settings_with({**changes, "processes": 2, "pretrain.sharded": True})
    with pytest.raises(Killed):
        run(settings, shards, publish=killer(9), sample=sample)
    capfd.readouterr()
    sharded = run(settings, shards, sample=sample)
    assert "resuming from the checkpoint at step 6" in capfd.readouterr().err
    for one, other in zip(alone.curve, sharded.curve, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert [row["step"] for row in sharded.samples] == [row["step"] for row in alone.samples] == [4, 8, 12]
    for one, other in zip(alone.model.parameters(), sharded.model.parameters(), strict=True):
        # Adam's step is as large where a gradient is next to nothing, and rounding may turn its sign: a single weight
        # may be off by a tenth of a step.
        torch.testing.assert_close(one, other, rtol=0, atol=1e-3)
    assert [path.name for path in sorted(sharded.steps.iterdir())] == [
        f"step-{step:08d}.safetensors" for step in (1, 2, 4, 8)
    ]


@pytest.mark.nightly
@pytest.mark.parametrize("sharded", [False, True])
def test_torchrun_trains_as_two_launched_ranks_do(
    sharded: bool, shards: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also: a sharded model is whole in its checkpoints, and resumes from them after a kill."""
    changes = {"pretrain.sharded": sharded, "pretrain.sample_every": 10, "pretrain.save_at_powers_of_two": True}
    started = elsewhere("started", monkeypatch)
    command = script(shards, changes, WHOLE)
    done = subprocess.run([command[0], *TORCHRUN, *command[1:], started], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("transformer: cpu, float32") == 1  # rank 0 alone logs
    elsewhere("own", monkeypatch)
    settings = settings_with({**changes, "processes": 2})
    if sharded:
        with pytest.raises(Killed):
            run(settings, shards, publish=killer(9), sample=sample)
        capfd.readouterr()
    result = run(settings, shards, sample=sample)
    assert ("resuming from the checkpoint at step 6" in capfd.readouterr().err) == sharded
    weights, (metrics, curve, samples, steps) = result_in(started)
    assert weights_of(result) == weights
    assert (result.metrics.as_json(), result.curve, result.samples) == (metrics, curve, samples)
    assert steps == [path.name for path in sorted(result.steps.iterdir())]
