"""Checkpoints: exact; two are kept; a torn one is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from pretrace.schemas.checkpoint import CheckpointMetadata
from pretrace.settings import OptimizerSettings
from pretrace.training.engine.checkpoint import Checkpoints, checkpoint_folder
from pretrace.training.engine.fingerprint import fingerprint
from pretrace.training.engine.optimizer import build_optimizer


class Training:
    """A model and its optimizer after some steps."""

    def __init__(self, steps: int = 0, optimizer: str = "openai_adam") -> None:
        torch.manual_seed(0)
        self.module = nn.Sequential(nn.Embedding(6, 4), nn.Linear(4, 3))
        settings = OptimizerSettings(optimizer=optimizer, weight_decay=0.1, beta1=0.9, beta2=0.99, clip_norm=1.0)
        self.optimizer = build_optimizer(self.module, settings)
        for step in range(steps):
            self.step(step)

    def step(self, step: int) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = 0.1 / (step + 1)
        self.optimizer.zero_grad()
        x = torch.randint(6, (5,), generator=torch.Generator().manual_seed(step))
        self.module(x).square().sum().backward()
        self.optimizer.step()

    def state(self) -> dict[str, torch.Tensor]:
        moments = {
            f"{name}/{key}": value
            for name, parameter in self.module.named_parameters()
            for key, value in self.optimizer.state[parameter].items()
        }
        return {**self.module.state_dict(), **moments}


def equal(one: Training, other: Training) -> bool:
    a, b = one.state(), other.state()
    return a.keys() == b.keys() and all(bytes_of(a[name]) == bytes_of(b[name]) for name in a)


def bytes_of(tensor: torch.Tensor) -> tuple[torch.dtype, bytes]:
    return tensor.dtype, tensor.detach().numpy().tobytes()


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints")


def saved(checkpoints: Checkpoints, *steps: int) -> None:
    for step in steps:
        training = Training(step)
        checkpoints.save(training.module, training.optimizer, CheckpointMetadata(step=step))


def files(checkpoints: Checkpoints) -> list[str]:
    return sorted(path.name for path in checkpoints.folder.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["openai_adam", "adamw"])
def test_restored_state_is_the_saved_one_and_trains_alike(checkpoints: Checkpoints, optimizer: str) -> None:
    training = Training(5, optimizer)
    checkpoints.save(training.module, training.optimizer, CheckpointMetadata(step=5))
    restored = Training(optimizer=optimizer)
    assert checkpoints.restore(restored.module, restored.optimizer).step == 5
    undisturbed = Training(5, optimizer)
    assert equal(restored, undisturbed)
    for step in (5, 6):
        restored.step(step)
        undisturbed.step(step)
    assert equal(restored, undisturbed)


def test_restore_without_a_checkpoint_is_step_zero(checkpoints: Checkpoints) -> None:
    restored = Training()
    assert checkpoints.restore(restored.module, restored.optimizer).step == 0
    restored.step(0)
    assert equal(restored, Training(1))


def test_checkpoints_keep_the_newest_two(checkpoints: Checkpoints) -> None:
    saved(checkpoints, 2, 9, 11)
    names = [f"step-{step:08d}.{suffix}" for step in (9, 11) for suffix in ("json", "safetensors")]
    assert files(checkpoints) == names


DAMAGE = {
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "one bit": lambda path: path.write_bytes(path.read_bytes()[:-9] + bytes([path.read_bytes()[-9] ^ 4]) + b"12345678"),
    "missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("suffix", ["safetensors", "json"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_torn_checkpoint_falls_back_to_the_one_before(
    checkpoints: Checkpoints, damage: str, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    saved(checkpoints, 4, 6)
    DAMAGE[damage](checkpoints.folder / f"step-00000006.{suffix}")
    restored = Training()
    assert checkpoints.restore(restored.module, restored.optimizer).step == 4
    assert equal(restored, Training(4))
    if (damage, suffix) != ("missing", "json"):  # without its metadata a file was never a checkpoint
        assert "step-00000006.safetensors: not usable" in capsys.readouterr().err


def test_checkpoint_with_one_changed_bit_is_noticed(checkpoints: Checkpoints) -> None:
    saved(checkpoints, 4, 6)
    path = checkpoints.folder / "step-00000006.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    restored = Training()
    assert checkpoints.restore(restored.module, restored.optimizer).step == 4


def test_restore_with_all_torn_is_a_fresh_start(checkpoints: Checkpoints) -> None:
    saved(checkpoints, 4, 6)
    for path in checkpoints.folder.glob("*.safetensors"):
        path.write_bytes(b"")
    restored = Training()
    assert checkpoints.restore(restored.module, restored.optimizer).step == 0
    assert equal(restored, Training())
    restored.step(0)
    assert equal(restored, Training(1))


def test_checkpoint_survives_failure_while_the_next_is_saved(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(checkpoints, 4)

    def fails(*_: object) -> None:
        raise OSError("power")

    monkeypatch.setattr("pretrace.training.engine.checkpoint.write_json", fails)
    training = Training(6)
    with pytest.raises(OSError, match="power"):
        checkpoints.save(training.module, training.optimizer, CheckpointMetadata(step=6))
    monkeypatch.undo()
    restored = Training()
    assert checkpoints.restore(restored.module, restored.optimizer).step == 4
    saved(checkpoints, 6)  # and the same step is saved over what was left
    assert checkpoints.restore(restored.module, restored.optimizer).step == 6


def test_curve_is_truncated_to_a_step(checkpoints: Checkpoints) -> None:
    assert checkpoints.curve.read(10) == []
    rows = [{"step": step, "loss": step / 10} for step in range(1, 8)]
    for row in rows:
        checkpoints.curve.append(row)
    assert checkpoints.curve.read(100) == rows
    assert checkpoints.curve.read(3) == rows[:3]
    with checkpoints.curve.path.open("a") as stream:
        stream.write('{"step": 8, "lo')  # a kill in the middle of a line
    assert checkpoints.curve.read(100) == rows
    checkpoints.truncate_logs(5)
    assert checkpoints.curve.read(100) == rows[:5]
    checkpoints.curve.append({"step": 6, "loss": 0.0})
    assert checkpoints.curve.read(100) == [*rows[:5], {"step": 6, "loss": 0.0}]
    checkpoints.truncate_logs(0)
    assert checkpoints.curve.read(100) == []


def test_checkpoint_folder_is_in_the_owning_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = tmp_path / "owner"
    owner.mkdir()
    monkeypatch.setenv("DVC_ROOT", str(owner))
    name = fingerprint(a=1)
    assert checkpoint_folder(name) == owner / ".pretrace" / "checkpoints" / name[:32]


def test_fingerprint_depends_on_all_its_parts() -> None:
    assert fingerprint(a=1, b=[2]) == fingerprint(b=[2], a=1)
    assert (
        len({fingerprint(a=1), fingerprint(a=2), fingerprint(a="1"), fingerprint(b=1), fingerprint(a=1, b=None)}) == 5
    )
