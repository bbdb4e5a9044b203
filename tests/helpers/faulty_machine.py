"""A machine on which the pipeline runs at a tiny size and is hurt: stages in processes of their own, a state to begin
each of them from, and the bytes that it has to end with."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import HELPERS, REPOSITORY
from tests.helpers import tiny_project as tiny

TASK, SYSTEM = "acceptability", "gpt1"
STAGES = (
    ("collect",),
    ("evaluation",),
    ("clean",),
    ("bpe", SYSTEM),
    ("shard", SYSTEM),
    ("text_models",),
    ("pretrain", SYSTEM),
    ("tasks", TASK),
    ("encode", SYSTEM),
    ("baselines", TASK),
    ("cells",),
    ("finetune", TASK, "full"),
    ("finetune", TASK, "scratch"),
    ("zeroshot", SYSTEM),
    ("frozen", TASK, SYSTEM),
    ("sequences",),
    ("report",),
)
"""In the order in which they run; with the keys of the matrix's cell."""
READ_BY_CELL = (
    f"data/encoded/{SYSTEM}/{TASK}",
    f"models/pretrained/{SYSTEM}/transformer/vocabulary/vocabulary.json",
)
"""Inputs of a fine-tuning besides its dependency, the file that names them; a pre-trained one reads weights, too."""
WEIGHTS = tuple(f"models/pretrained/{SYSTEM}/transformer/{name}" for name in ("config.json", "model.safetensors"))
Stage = tuple[str, ...]
SOURCES = ("README.md", "dvc.yaml", "params.yaml", "requirements.txt", "scales", "stages", "systems")
"""Files that a stage run by hand needs besides the outputs of other stages."""
NEVER_ENDING = 600.0


def name_of(stage: Stage) -> str:
    """As DVC has it."""
    return stage[0] if len(stage) == 1 else f"{stage[0]}@{'-'.join(stage[1:])}"


def make(folder: Path, **params: Any) -> Path:
    """The repository in small, with one task."""
    tasks = {TASK: {"kind": "classification", "probe": TASK, "zero_shot": TASK}}
    return tiny.make_project(folder, tasks=tasks, **params)


@dataclass(frozen=True)
class Ended:
    """How a stage ended."""

    code: int
    seconds: float
    said: str
    left: int
    """Processes that outlived it."""

    @property
    def clear(self) -> bool:
        """True if it stopped with a one-line error and no traceback."""
        lines = [line for line in self.said.splitlines() if line.startswith("pretrace: ")]
        return self.code == 1 and bool(lines) and "Traceback" not in self.said


class Machine:
    """Runs stages by `stage_server.py`."""

    def __init__(self, *before: str, **environment: str) -> None:
        names = ("PRETRACE_", "DVC_", "GIT_", "PYTHON", "MLFLOW_", "FAULT_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(names)}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        own = {"PATH": path, "PRETRACE_TRACKING": "off", **({"LD_PRELOAD": str(shim())} if shim() else {})}
        self._logs = tempfile.TemporaryDirectory()
        self._server = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.helpers.stage_server"],
            cwd=REPOSITORY,
            env={**kept, **own, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def run(
        self,
        folder: Path,
        stage: Stage,
        kill: tuple[int, float] | tuple[int, float, str] | None = None,
        limits: Mapping[str, int] | None = None,
        rights: str = "",
        **environment: str,
    ) -> Ended:
        """Run a stage in a project.

        Args:
            kill: a signal, after how many seconds, and whether to "other" than the stage's own process.
            limits: of the system, such as {"RLIMIT_FSIZE": 1000}.
            rights: "owner": as if not root.
        """
        log = Path(self._logs.name) / "log"
        log.unlink(missing_ok=True)
        job = {"folder": str(folder), "stage": stage, "log": str(log), "environment": environment}
        job |= {"kill": (*kill, "")[:3] if kill else None, "limits": limits or {}, "rights": rights}
        print(json.dumps(job), file=self._server.stdin, flush=True)
        answer = self._answer()
        return Ended(said=log.read_text(errors="replace") if log.exists() else "", **answer)

    def well(self, folder: Path, stage: Stage, **environment: str) -> Ended:
        """Run a stage that has to succeed."""
        ended = self.run(folder, stage, **environment)
        assert ended.code == 0, f"{name_of(stage)}: {ended}"
        assert not ended.left
        return ended

    def close(self) -> None:
        self._server.stdin.close()
        self._server.wait(NEVER_ENDING)
        self._logs.cleanup()

    def _answer(self) -> dict[str, Any]:
        line = self._server.stdout.readline()
        assert line, "the stage server has ended"
        return json.loads(line)


@functools.cache
def shim() -> Path | None:
    """The library that breaks disks and clocks, built; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler or sys.platform != "linux":
        return None
    target = Path(tempfile.mkdtemp(prefix="pretrace-shim-")) / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", target, HELPERS / "shim.c", "-ldl"], check=True)
    return target


def needs_shim() -> None:
    if not shim():
        pytest.skip("needs a C compiler and Linux, to stand between the pipeline and the system")


@dataclass
class Reference:
    """An undisturbed run, and what each of its stages wrote."""

    folder: Path
    seconds: dict[Stage, float] = field(default_factory=dict)

    def run_all(self, machine: Machine, **environment: str) -> Reference:
        for stage in STAGES:
            self.seconds[stage] = machine.well(self.folder, stage, **environment).seconds
        return self

    def before(self, stage: Stage | None, folder: Path) -> Path:
        """A project in the state before a stage (None: after the last), mostly by hard links."""
        for name in SOURCES:
            copy(self.folder / name, folder / name)
        for earlier in STAGES[: STAGES.index(stage) if stage else None]:
            for path in outputs(earlier):
                if (self.folder / path).exists():
                    copy(self.folder / path, folder / path)
            note = f".pretrace/written/{name_of(earlier)}.json"
            copy(self.folder / note, folder / note)
        return folder

    def differences(self, folder: Path, stages: Sequence[Stage] = STAGES) -> list[str]:
        """Files of these stages' outputs that are not as in the undisturbed run."""
        wanted, found = (contents(place, stages) for place in (self.folder, folder))
        return sorted(path for path in {*wanted, *found} if wanted.get(path) != found.get(path))


@functools.cache
def _pipeline() -> dict[str, Any]:
    return tiny.load(REPOSITORY / "dvc.yaml")["stages"]


def outputs(stage: Stage) -> list[str]:
    """The paths that a stage writes and DVC locks."""
    return _paths(stage, "outs", "metrics")


def inputs(stage: Stage) -> list[str]:
    """The paths of other stages that a stage reads."""
    more = (*READ_BY_CELL, *(WEIGHTS if stage[-1] == "full" else ())) if stage[0] == "finetune" else ()
    return [path for path in (*_paths(stage, "deps"), *more) if path.startswith(("data/", "models/", "reports/"))]


def _paths(stage: Stage, *kinds: str) -> list[str]:
    entry = _pipeline()[stage[0]]
    items = [item for kind in kinds for item in entry.get(kind, [])]
    paths = [item if isinstance(item, str) else next(iter(item)) for item in items]
    paths = [path.replace("${systems[0]}", SYSTEM) for path in paths]
    for axis, key in zip(entry.get("matrix", {}), stage[1:], strict=True):
        paths = [path.replace(f"${{item.{axis}}}", key) for path in paths]
    return paths


def files_below(folder: Path, paths: Iterable[str]) -> Iterator[Path]:
    for path in paths:
        place = folder / path
        yield from (sorted(p for p in place.rglob("*") if p.is_file()) if place.is_dir() else [place])


def contents(folder: Path, stages: Sequence[Stage]) -> dict[str, bytes]:
    found = files_below(folder, [path for stage in stages for path in outputs(stage)])
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.exists()}


def copy(source: Path, target: Path, link: bool = True) -> None:
    """A file or folder by hard links: nobody writes into a file that has its name."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for path in source.iterdir():
            if path.name != "__pycache__":
                copy(path, target / path.name, link)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        os.link(source, target) if link else shutil.copy2(source, target)


def left_over(folder: Path) -> list[str]:
    """Temporary files that nobody will use."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(".*.tmp") if ".dvc" not in path.parts)


def wait_for(condition: Any) -> Any:
    deadline = time.monotonic() + NEVER_ENDING
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found
