"""Experiments with DVC, from the committed state of a clone, and the ways out of what DVC does badly."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import REPOSITORY
from tests.helpers import tiny_project as tiny

pytestmark = pytest.mark.slow
FULL, SCRATCH = "finetune@follows-full", "finetune@follows-scratch"
BASELINES, FROZEN = "baselines@follows", "frozen@follows-gpt1"
GRID = [1e-05, 2e-05, 5e-05]
PATIENCE = 3600.0


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    return tiny.copied(finished, tmp_path / "project")


def lr_of(folder: Path) -> Any:
    return tiny.load(folder / "params.yaml")["lr"]


def shown(folder: Path) -> dict[str, Any]:
    """Experiments by name, of `dvc exp show`."""
    (base,) = [rev for rev in json.loads(tiny.dvc(folder, "exp", "show", "--json")) if rev["rev"] != "workspace"]
    return {one["name"]: one["revs"][0]["data"] for one in base["experiments"] or []}


def way_out(folder: Path) -> None:
    """Run the commands that docs/experiments.md gives after a failure."""
    line = "git checkout -- params.yaml scales reports README.md dvc.lock && .venv/bin/dvc checkout"
    assert line in (REPOSITORY / "docs" / "experiments.md").read_text()
    tiny.must(folder, "sh", "-c", line.replace(".venv/bin/", ""))  # the tests' own environment is active


def test_learning_rate_reruns_only_fine_tuning_and_report(project: Path) -> None:
    """And nothing runs where nothing changed, before and after."""
    assert tiny.ran(tiny.dvc(project, "exp", "run")) == []
    assert tiny.unchanged(project)
    before = json.loads((project / "reports" / "benchmark.json").read_text())
    said = tiny.dvc(project, "exp", "run", "-S", "lr=6.25e-5")
    assert tiny.ran(said) == [FULL, SCRATCH, "report"]
    assert json.loads((project / "reports" / "finetune" / "follows-full.json").read_text())["lr"] == 6.25e-5
    assert json.loads((project / "reports" / "benchmark.json").read_text()) != before
    changed = json.loads(tiny.dvc(project, "params", "diff", "--json"))
    assert changed == {"params.yaml": {"lr": {"old": None, "new": 6.25e-5}}}
    changes = json.loads(tiny.dvc(project, "metrics", "diff", "--json", "--all"))
    assert changes["reports/benchmark.json"].keys() >= {"scores.follows.full", "scores.follows.scratch"}
    curves = json.loads(tiny.dvc(project, "plots", "diff", "--json"))["data"]
    assert curves["loss"][0]["revisions"] == ["workspace", "HEAD"]
    assert tiny.ran(tiny.dvc(project, "exp", "run", "-S", "lr=6.25e-5")) == []


def test_failed_experiment_has_a_way_out(project: Path) -> None:
    done = tiny.run(project, "dvc", "exp", "run", "-S", "lr=oops")
    assert done.returncode != 0
    assert "params.yaml: lr: got 'oops'" in done.stdout + done.stderr
    assert lr_of(project) == "oops"  # DVC rolls nothing back
    way_out(project)
    assert tiny.unchanged(project)


def test_failed_stage_leaves_no_output_for_git(finished: Path, tmp_path: Path) -> None:
    """Where DVC takes back the entries of .gitignore that it wrote for the stages before (dvc#11091)."""
    clone = tiny.cloned(finished, tmp_path / "clone")
    (clone / "stages" / "evaluation.py").write_text("raise SystemExit(1)")
    assert tiny.run(clone, "dvc", "repro", "evaluation").returncode != 0
    assert tiny.run(clone, "dvc", "repro", "collect").returncode == 0
    (clone / "stages" / "clean.py").write_text("raise SystemExit(1)")
    assert tiny.run(clone, "dvc", "repro", "--single-item", "clean").returncode != 0
    assert (clone / "data" / "documents").is_dir()
    status = tiny.must(clone, "git", "status", "--porcelain", "--untracked-files=all")
    assert "data/" not in status
    assert ".gitignore" not in status
    assert [path for path in clone.rglob(".gitignore") if path.parent not in (clone, clone / ".dvc")] == []


@pytest.mark.nightly
def test_queued_grid_keeps_numbers_as_numbers(project: Path) -> None:
    tiny.dvc(project, "exp", "run", "--queue", "-S", "lr=1e-5,2e-5,5e-5")
    tiny.must(project, "sh", "-c", "dvc queue start -j 2 > queue.log 2>&1")
    assert tiny.wait_for_queue(project).count("Success") == len(GRID)
    found = {name: data["params"]["params.yaml"]["data"]["lr"] for name, data in shown(project).items()}
    assert sorted(found.values()) == GRID
    assert all(isinstance(number, float) for number in found.values())
    for name, number in found.items():
        text = tiny.must(project, "git", "show", f"{revision(project, name)}:reports/finetune/follows-full.json")
        assert json.loads(text)["lr"] == number
    (project / "queue.log").unlink()
    assert tiny.unchanged(project)  # the workspace has no part in it


@pytest.mark.nightly
def test_temp_experiment_is_compared_applied_and_branched(project: Path) -> None:
    said = tiny.dvc(project, "exp", "run", "--temp", "-n", "aside", "-S", "lr=3e-5")
    assert tiny.ran(said) == [FULL, SCRATCH, "report"]
    assert tiny.unchanged(project)
    assert shown(project)["aside"]["params"]["params.yaml"]["data"]["lr"] == 3e-5
    different = json.loads(tiny.dvc(project, "exp", "diff", "HEAD", "aside", "--json"))
    assert different["params"]["params.yaml"]["lr"] == {"old": None, "new": 3e-5}
    tiny.dvc(project, "exp", "apply", "aside")
    assert lr_of(project) == 3e-5
    assert "up to date" in tiny.dvc(project, "status")
    way_out(project)
    tiny.dvc(project, "exp", "branch", "aside", "topic")
    text = tiny.must(project, "git", "show", "topic:params.yaml")
    assert "\nlr: 3e-05\n" in text


@pytest.mark.nightly
def test_scale_is_changed_and_changed_back(project: Path) -> None:
    seeds = finished_seeds(project)
    assert seeds
    scale = tiny.load(project / "scales" / "tiny.yaml")
    scale["model"]["width"] = 16
    tiny.save(project / "scales" / "narrow.yaml", scale)
    tiny.commit(project, "a scale")
    said = tiny.dvc(project, "exp", "run", "-S", "scale=narrow")
    rows, scored = ["tasks@follows", "encode@gpt1", BASELINES], [FULL, SCRATCH, "zeroshot@gpt1", FROZEN, "report"]
    of_text = ["bpe@gpt1", "shard@gpt1", "text_models", "pretrain@gpt1"]
    assert tiny.ran(said) == [*of_text, *rows, "cells", *scored] or (
        # The vocabulary is the same, so what only depends on it does not run.
        tiny.ran(said) == ["bpe@gpt1", "pretrain@gpt1", *rows, "cells", *scored]
    )
    # DVC keeps no past runs of a matrix, nor of a report in git that is no metric: they run again, and find work done.
    back = tiny.dvc(project, "exp", "run", "-S", "scale=tiny")
    assert tiny.ran(back) == ["bpe@gpt1", "pretrain@gpt1", *rows, *scored]
    assert "transformer: resuming from the checkpoint at step 20" in back
    assert seeds.items() <= finished_seeds(project).items()
    clock = {"reports/cost.json", "reports/index.html", "reports/model-card.md"}
    files = set(tiny.must(project, "git", "diff", "--name-only").splitlines())
    assert files - clock == {"params.yaml"}  # DVC writes nothing for null
    assert tiny.must(project, "dvc", "params", "diff") == ""
    assert "up to date" in tiny.dvc(project, "status")


@pytest.mark.nightly
def test_single_cell_is_run_alone(project: Path) -> None:
    tiny.change_params(project, lr=1e-4)
    assert tiny.ran(tiny.dvc(project, "repro", FULL)) == [FULL]


@pytest.mark.nightly
def test_dead_worker_has_a_way_out(project: Path) -> None:
    """The whole tree of a worker killed: "Running" stays, `queue kill` takes it out, another name runs."""
    tiny.dvc(project, "exp", "run", "--queue", "-n", "first", "-S", "lr=1e-4")
    tiny.must(project, "sh", "-c", "dvc queue start > data/queue.log 2>&1")
    wait_until(lambda: any("finetune.py" in " ".join(command) for command in below(project).values()))
    for number in below(project):
        os.kill(number, signal.SIGKILL)
    wait_until(lambda: not below(project))
    assert "Running" in tiny.dvc(project, "queue", "status")
    tiny.run(project, "dvc", "queue", "kill", "first")
    assert "Running" not in tiny.dvc(project, "queue", "status")
    tiny.dvc(project, "exp", "run", "--queue", "-n", "again", "-S", "lr=1e-4")
    tiny.must(project, "sh", "-c", "dvc queue start > data/queue.log 2>&1")
    assert "Success" in tiny.wait_for_queue(project)
    assert shown(project)["again"]["params"]["params.yaml"]["data"]["lr"] == 1e-4


def finished_seeds(project: Path) -> dict[str, int]:
    """When each was written."""
    return {str(path): path.stat().st_mtime_ns for path in (project / ".pretrace" / "seeds").glob("*/*/result.json")}


def below(project: Path) -> dict[int, list[str]]:
    """Processes that work in the project or in a copy below it, with their commands."""
    found = {}
    for process in Path("/proc").iterdir():
        try:
            folder, command = (process / "cwd").resolve(), (process / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if process.name.isdigit() and folder.is_relative_to(project):
            found[int(process.name)] = command
    return found


def revision(folder: Path, name: str) -> str:
    ((sha, _),) = [
        line.split() for line in tiny.must(folder, "git", "show-ref").splitlines() if line.endswith(f"/{name}")
    ]
    return sha


def wait_until(true: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.2)
