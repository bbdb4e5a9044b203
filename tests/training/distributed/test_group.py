"""The process group: rank and world size, from torchrun or the settings."""

from __future__ import annotations

import pytest
import torch

from pretrace.training.distributed.group import Group, group_from_environment


def test_group_is_read_from_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    assert group_from_environment(3) == Group(0, 3, 0)
    values = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}
    for name, value in {**values, "MASTER_ADDR": "host", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    assert group_from_environment(3) == Group(5, 8, 1)
    monkeypatch.delenv("MASTER_PORT")
    assert group_from_environment(1) == Group()


def test_group_has_no_more_ranks_than_gpus(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert group_from_environment(2) == Group(world_size=2)
    assert not capsys.readouterr().err
    assert group_from_environment(4) == Group(world_size=2)
    assert "processes: got 4, using 2, the number of GPUs" in capsys.readouterr().err
