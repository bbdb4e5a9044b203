"""The cost of each stage, in reports/cost.json."""

from __future__ import annotations

import subprocess
from itertools import product
from pathlib import Path

import pytest

from pretrace.settings import load_settings
from tests.helpers.stage_script import PATIENCE, costs, run


@pytest.mark.slow
def test_cost_has_seconds_memory_and_provenance(stage: list[str]) -> None:
    done = run(*stage, "well")
    assert (done.returncode, done.stderr) == (0, "")
    entry = costs()["clean"]
    assert entry["device"] == "cpu"
    assert entry["seconds"] > 0
    assert 1e6 < entry["peak_memory_bytes"] < 1e9


@pytest.mark.slow
def test_cost_is_written_by_rank_zero_only(stage: list[str]) -> None:
    others = {"MASTER_ADDR": "localhost", "WORLD_SIZE": "2"}
    assert run(*stage, "well", **others, RANK="1").returncode == 0
    assert not Path("reports/cost.json").exists()
    assert run(*stage, "well", **others, RANK="0").returncode == 0
    assert list(costs()) == ["clean"]


@pytest.mark.slow
def test_cost_file_keeps_other_stages_in_fixed_order(stage: list[str]) -> None:
    run(*stage, "well", "source", "full")
    run(*stage, "well")
    assert list(costs()) == ["clean", "clean@source-full"]


def test_damaged_cost_file_fails_no_stage(stage: list[str]) -> None:
    Path("reports").mkdir()
    Path("reports/cost.json").write_text('{"clean": ')
    assert run(*stage, "well").returncode == 0
    assert list(costs()) == ["clean"]


@pytest.mark.slow
def test_cost_file_has_all_of_concurrent_stages(stage: list[str]) -> None:
    settings = load_settings()
    cells = list(product(settings.tasks, settings.variants))
    processes = [subprocess.Popen([*stage, "well", *cell]) for cell in cells]
    assert [process.wait(PATIENCE) for process in processes] == [0] * 4
    assert sorted(costs()) == sorted(f"clean@{'-'.join(cell)}" for cell in cells)
