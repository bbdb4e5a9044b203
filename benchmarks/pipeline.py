"""Overhead of the pipeline: a repro with nothing to do, and the start of a stage.

`dvc repro` where nothing has changed takes turns with the same in a bare pipeline of as many stages that do nothing
(each reads the file of the one before). A stage's start is a process that imports the stage's script, reads the
settings and queues an empty run for MLflow, against one that imports PyTorch (where the stage does) or nothing.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import Rounds, summary, timed

ROUNDS = 7
DVC = [sys.executable, "-m", "dvc"]
ROOT = Path(__file__).parents[1]
START = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
importlib.import_module(sys.argv[2])
for module in sys.argv[3:]:
    importlib.import_module(module)
from pretrace.pipeline.stage import run_stage
run_stage(sys.argv[2], lambda run: None)
print("torch" in sys.modules)
"""
LOADED_LATER = {"finetune": ["pretrace.training.finetuning.cells", "pretrace.training.finetuning.run"]}
"""Modules that a stage's `main` imports first."""


def compare_pipeline(_: Any = None) -> Iterator[dict[str, Any]]:
    """Measure a repro with nothing to do, unless the pipeline here is out of date; then the starts of stages."""
    if up_to_date(ROOT):
        yield compare_repro()
    yield compare_starts()


def compare_repro() -> dict[str, Any]:
    """Return the seconds of `dvc repro`, here and in the bare pipeline."""
    stages = len(run(ROOT, *DVC, "stage", "list", "--name-only").split())
    rounds: Rounds = {"ours": [], "bare": []}
    with tempfile.TemporaryDirectory() as name:
        folders = {"ours": ROOT, "bare": bare_pipeline(Path(name), stages)}
        for number in range(ROUNDS):
            for arm in sorted(folders, reverse=bool(number % 2)):
                said, seconds = timed(lambda arm=arm: run(folders[arm], *DVC, "repro"))
                rounds[arm].append(seconds)
                assert "up to date" in said, said
    result = summary(f"repro of {stages} stages with nothing to do", "s", rounds, True, faster=1, other="bare")
    return result | {"says": "times the bare pipeline's"}


def bare_pipeline(folder: Path, stages: int) -> Path:
    """Create a repository in which as many stages have run, each copying the file of the one before."""
    (folder / "file0").write_text("0")
    lines = [
        f"  stage{n}:\n    cmd: cp file{n - 1} file{n}\n    deps: [file{n - 1}]\n    outs: [file{n}]"
        for n in range(1, stages + 1)
    ]
    (folder / "dvc.yaml").write_text("stages:\n" + "\n".join(lines) + "\n")
    run(folder, "git", "init", "--quiet")
    run(folder, *DVC, "init", "--quiet")
    run(folder, *DVC, "repro", "--quiet")
    return folder


def compare_starts() -> dict[str, Any]:
    """Return the seconds that a stage takes to start beyond importing PyTorch, if it does; of the slowest stage."""
    names = sorted(path.stem for path in (ROOT / "stages").glob("*.py"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(ROOT / "params.yaml", folder)
        for part in ("scales", "systems"):
            shutil.copytree(ROOT / part, folder / part)
        rounds: Rounds = {arm: [] for arm in ("nothing", "torch", *names)}
        loads_torch = {}
        for number in range(ROUNDS + 1):  # the first one warms up
            for arm in sorted(rounds, reverse=bool(number % 2)):
                said, seconds = timed(lambda arm=arm: start(folder, arm))
                loads_torch[arm] = "True" in said
                rounds[arm] += [seconds] if number else []
        run(folder, sys.executable, "-m", "pretrace.tracking", "wait")
    medians = {arm: statistics.median(values) for arm, values in rounds.items()}
    beyond = {name: medians[name] - medians["torch" if loads_torch[name] else "nothing"] for name in names}
    return {
        "work": "start of a stage",
        "unit": "s",
        "medians": {arm: round(value, 3) for arm, value in medians.items()},
        "beyond": {name: round(value, 3) for name, value in beyond.items()},
        "ratio": round(max(beyond.values()), 3),
        "says": f"s beyond PyTorch's own import, in the slowest ({max(beyond, key=lambda name: beyond[name])})",
        "rounds": {arm: [round(value, 3) for value in values] for arm, values in rounds.items()},
        "same": True,
    }


def start(folder: Path, arm: str) -> str:
    if arm in ("nothing", "torch"):
        return run(folder, sys.executable, "-c", "import torch" if arm == "torch" else "")
    return run(folder, sys.executable, "-c", START, str(ROOT / "stages"), arm, *LOADED_LATER.get(arm, []))


def up_to_date(folder: Path) -> bool:
    done = subprocess.run([*DVC, "status", "--quiet"], cwd=folder, capture_output=True)
    return done.returncode == 0


def run(folder: Path, *command: str) -> str:
    """Run a command that must succeed; return its output."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DVC_")}
    environment |= {"DVC_NO_ANALYTICS": "1", "PRETRACE_TRACKING": "on"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout
