"""The repository in small: its files in a folder of their own, a scale that trains for seconds, one package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.helpers import REPOSITORY
from tests.helpers.plain_yaml import read_yaml as load
from tests.helpers.plain_yaml import write_yaml as save

MADE = ("reports/", "dvc.lock")
"""Outputs of a run that are in git: a copy starts without them."""
PROBES = {
    "source": "classification",
    "acceptability": "classification",
    "follows": "entailment",
    "same": "similarity",
    "nearness": "regression",
    "cloze": "multiple_choice",
}
ZERO_SHOT = {"acceptability": ["acceptability"], "follows": ["pair_pmi"], "cloze": ["choice", "choice_pmi"]}
"""Those that a language model answers without fine-tuning."""
SCALE: dict[str, dict[str, Any]] = {
    "vocabulary": {"size": 500},
    "model": {"layers": 2, "width": 32, "heads": 2, "feed_forward": 128, "context": 32},
    "lstm": {"width": 32, "embedding": 16},
    "pretrain": {"steps": 20, "batch_size": 4, "micro_batch": 2, "warmup_steps": 4, "validate_every": 10}
    | {"save_at_powers_of_two": False},
    "finetune": {"epochs": 1, "batch_size": 8},
    "sequence": {"steps": 12, "batch_tokens": 512, "warmup_steps": 4, "checkpoint_every": 4, "averaged": 2, "beams": 2},
    "probes": {"rows": {"default": 48}, "dev_rows": 24, "test_rows": 32},
}
"""Settings that are smaller than at laptop scale."""


def make_project(folder: Path, **params: Any) -> Path:
    """Copy the repository to `folder` and give it the scale `tiny` and small parameters; `params` replaces some."""
    files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(files, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if not name.startswith(MADE) and (REPOSITORY / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    scale = load(folder / "scales" / "laptop.yaml")
    scale["processes"] = 1
    for section, values in SCALE.items():
        scale[section] |= values
    save(folder / "scales" / "tiny.yaml", scale)
    corpus = {**load(folder / "params.yaml")["corpus"], "packages": ["networkx"], "probe_share": 0.4}
    tasks = {name: {"kind": kind, "probe": name, "zero_shot": ZERO_SHOT.get(name, [])} for name, kind in PROBES.items()}
    change_params(folder, **{"scale": "tiny", "seeds": [1, 2], "corpus": corpus, "tasks": tasks, **params})
    return folder


def change_params(folder: Path, **values: Any) -> None:
    """Replace top-level keys of a project's params.yaml."""
    save(folder / "params.yaml", {**load(folder / "params.yaml"), **values})


def run(
    folder: Path, *command: str, before: Callable[[], None] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a project, with the Python of the tests as `python` and nothing of the caller's set-up.

    `before` is called in the new process.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_", "PYTHON"))}
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PRETRACE_TRACKING": "off",
        "DVC_NO_ANALYTICS": "1",
        "COLUMNS": "1000",  # tables with all their columns
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }
    environment = {**kept, **own, **environment}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, preexec_fn=before)


def must(folder: Path, *command: str, **environment: str) -> str:
    """Run a command that has to succeed; what it wrote to both streams."""
    done = run(folder, *command, **environment)
    said = done.stdout + done.stderr
    assert done.returncode == 0, f"{' '.join(command)}:\n{said}"
    return said


def dvc(folder: Path, *arguments: str, **environment: str) -> str:
    """Run DVC, which has to succeed."""
    return must(folder, sys.executable, "-m", "dvc", *arguments, **environment)


def copied(project: Path, folder: Path) -> Path:
    """A copy of a project with its cache, which a test may change."""
    shutil.copytree(project, folder, symlinks=True, ignore=shutil.ignore_patterns("tmp", "btime"))
    return folder


def cloned(project: Path, folder: Path) -> Path:
    """A fresh clone: what git has, and nothing of DVC's."""
    must(project.parent, "git", "clone", "--quiet", str(project), str(folder))
    return folder


def ran(said: str) -> list[str]:
    """The stages that DVC says it ran."""
    return re.findall(r"^Running stage '(.+)':$", said, re.M)


def unchanged(folder: Path) -> bool:
    """True if git sees nothing new, and DVC nothing to do."""
    status = must(folder, "git", "status", "--porcelain")
    return not status and "up to date" in dvc(folder, "status")


def wait_for_queue(folder: Path, patience: float = 3600.0) -> str:
    """Wait until the queue has no experiment that runs or waits; what its status then says."""
    deadline, without_workers = time.monotonic() + patience, 0
    while re.search(r"Running|Queued", said := dvc(folder, "queue", "status")):
        without_workers = without_workers + 1 if "0 active, 0 idle" in said else 0
        assert time.monotonic() < deadline and without_workers < 60, said
        time.sleep(0.5)
    return said


def commit(folder: Path, message: str) -> None:
    """Commit all that git does not ignore, as a user would."""
    if not (folder / ".git").exists():
        must(folder, "git", "init", "--quiet", "--initial-branch=main")
    must(folder, "git", "add", "--all")
    must(folder, "git", "commit", "--quiet", "--message", message)
