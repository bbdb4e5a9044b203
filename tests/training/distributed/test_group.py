"""The rank and the size of the group, as torchrun gives them."""

from __future__ import annotations

import pytest
import torch

from pretrace.training.distributed.group import Group, place


def test_torchrun_says_which_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert place(3) == Group(0, 3, 0)
    values = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}
    for name, value in {**values, "MASTER_ADDR": "host", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    assert place(3) == Group(5, 8, 1)
    monkeypatch.delenv("MASTER_PORT")
    assert place(1) == Group()


def test_there_are_not_more_processes_than_gpus(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert place(2) == Group(size=2)
    assert not capsys.readouterr().err
    assert place(4) == Group(size=2)
    assert "4 processes are asked for; there are as many as GPUs, 2" in capsys.readouterr().err
