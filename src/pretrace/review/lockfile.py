"""Compare dvc.lock with the code, the parameters and the files in git. Needs no data.

DVC compares the files that are there; those that are missing because only DVC stores them (data, models) are no
disagreement. The rest follows from the lock itself: what a stage read must be what another one wrote.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.git import git
from pretrace.review.git_tree import Tree

ABSENT = ("deleted", "not in cache")
IN_PARTS = ("encode", "cells")
"""Stages that report DVC's checksums of what they read or write in parts."""
SHOWN = 3
"""Names that are listed before "and n more"."""
Stages = dict[str, dict[str, Any]]
"""Entries of a dvc.lock, by the stage's name."""
MEND = "run `dvc repro`, and commit dvc.lock and reports"


def disagreements(root: Path = Path(), *stages: str) -> list[str]:
    """Return one line for each stage that would run again, or was not made from what is locked; none if all agree.

    Args:
        stages: compare these only.

    Raises:
        PretraceError: there is no dvc.lock, one of DVC's files is too large, or DVC cannot read the pipeline.
    """
    if not (root / "dvc.lock").exists():
        raise PretraceError(f"dvc.lock: no such file; {MEND}")
    here = Tree("here", None, root)
    for path in ("params.yaml", "dvc.yaml", "dvc.lock", *_settings_files(root)):
        here.yaml(path)  # DVC has no bound on what aliases expand to
    status = _dvc_status(root, *stages)
    lines = [f"dvc.lock: {stage}: {text}; {MEND}" for stage, own in status.items() if (text := _described(root, own))]
    return lines + [line for stage, line in _broken_links(root) if not stages or stage in stages]


def _settings_files(root: Path) -> list[str]:
    paths = (path for folder in ("scales", "systems") for path in sorted((root / folder).glob("*.yaml")))
    return [path.relative_to(root).as_posix() for path in paths]


def locked_stages(tree: Tree) -> Stages:
    """Return the stages of a commit's dvc.lock, by name, without removed ones, whose entries DVC leaves in place."""
    there = _stages_of(tree)
    return {name: stage for name, stage in _mapping(tree.yaml("dvc.lock").get("stages")).items() if name in there}


def first_system(tree: Tree) -> str:
    """Return the first system of a commit's params.yaml; "" if it is older than systems."""
    systems = tree.yaml("params.yaml").get("systems")
    return str(systems[0]) if isinstance(systems, list) and systems else ""


def hashes(stage: dict[str, Any] | None, part: str) -> dict[str, str]:
    """Return {path: hash} of a locked stage's `deps` or `outs`."""
    return {entry["path"]: str(entry.get("md5", "")) for entry in _mapping(stage).get(part) or []}


def outputs(stages: Stages) -> dict[str, str]:
    """Return {path: hash} of all that the locked stages have written."""
    return {path: value for stage in stages.values() for path, value in hashes(stage, "outs").items()}


def makers(stages: Stages, path: str) -> list[str]:
    """Return the stages that write a path, something in it, or a folder around it."""
    return [
        name
        for name, stage in stages.items()
        if any(f"{out}/".startswith(f"{path}/") or f"{path}/".startswith(f"{out}/") for out in hashes(stage, "outs"))
    ]


def cache_folder(root: Path) -> Path:
    """Return the absolute path of DVC's cache of a project."""
    command = [sys.executable, "-m", "dvc", "cache", "dir"]
    done = subprocess.run(command, cwd=root, env=clean_environment(), capture_output=True, text=True)
    return (root / (done.stdout.strip() or ".dvc/cache")).resolve()


def clean_environment() -> dict[str, str]:
    """Return an environment for a separate DVC process: this Python as `python`, no variables of DVC, git or Python."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_", "PYTHON"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**kept, "PATH": path, "DVC_NO_ANALYTICS": "1", "PRETRACE_TRACKING": "off"}


def _stages_of(tree: Tree) -> set[str]:
    """Return the stages of a commit's dvc.yaml, with a name for each cell of a matrix."""
    params, names = tree.yaml("params.yaml"), set()
    for name, stage in _mapping(tree.yaml("dvc.yaml").get("stages")).items():
        axes = _mapping(_mapping(stage).get("matrix")).values()
        keys = [params.get(axis[2:-1]) if isinstance(axis, str) else axis for axis in axes]  # "${tasks}": as DVC has it
        cells = product(*([str(key) for key in axis or ()] for axis in keys))
        names |= {f"{name}@{'-'.join(cell)}" for cell in cells} if keys else {name}
    return names


def _mapping(value: Any) -> dict[str, Any]:
    """Return a mapping as it is, anything else as an empty one: DVC checks the form of its files."""
    return value if isinstance(value, dict) else {}


def _dvc_status(root: Path, *stages: str) -> dict[str, list[Any]]:
    command = [sys.executable, "-m", "dvc", "status", "--json", *stages]
    done = subprocess.run(command, cwd=root, env=clean_environment(), capture_output=True, text=True)
    try:
        return json.loads(done.stdout) if done.returncode == 0 else _failed(done.stderr)
    except ValueError:
        return _failed(done.stderr)


def _failed(stderr: str) -> Any:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines or ["failed without an error message"]
    raise PretraceError(f"dvc status: {errors[0].removeprefix('ERROR: ')}")


def _described(root: Path, status: list[Any]) -> str:
    """Return the disagreements in a stage's status, in words; "" if there are none."""
    texts = []
    for entry in status:
        if entry == "changed command":
            texts.append("its command in dvc.yaml differs")
        for part, heading in (("changed deps", ""), ("changed outs", "its result ")):
            changed = entry.get(part, {}) if isinstance(entry, dict) else {}
            names = [name for path, how in changed.items() for name in _names(root, path, how)]
            if names:
                more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
                texts.append(f"{heading}{', '.join(names[:SHOWN])}{more} differ{'' if len(names) > 1 else 's'}")
    return ", ".join(texts)


def _names(root: Path, path: str, how: Any) -> list[str]:
    """Return the file, or the parameters in it by key."""
    if isinstance(how, dict):
        return [f"{key} in {path}" for key in how]
    if how in ABSENT and git(root, "check-ignore", "--quiet", "--no-index", "--", path) is not None:
        return []  # git ignores it, so it need not be here
    return [path]


def _broken_links(root: Path) -> Iterator[tuple[str, str]]:
    """(stage, line) where a stage read something else than its maker wrote, by the lock alone."""
    here = Tree("here", None, root)
    stages = locked_stages(here)
    made = {path: (maker, value) for maker, stage in stages.items() for path, value in hashes(stage, "outs").items()}
    parts = {name: _parts(here, name) for name in stages}
    made = {path: (maker, value) for maker, own in parts.items() for path, value in own.items()} | made
    for name, stage in stages.items():
        for path, value in (hashes(stage, "deps") | parts[name]).items():
            maker, written = made.get(path, (name, value))
            if written != value:
                text = f"it was run on another {path} than {maker} has made; run `dvc repro {name}`"
                yield name, f"dvc.lock: {name}: {text}, and commit dvc.lock and reports"


def _parts(tree: Tree, stage: str) -> dict[str, str]:
    """Return DVC's checksums in the report of a stage whose results are read in parts, which the lock does not have."""
    name, _, cell = stage.partition("@")
    values = tree.json(f"reports/{name}/{cell}.json" if cell else f"reports/{name}.json") if name in IN_PARTS else None
    return {path: str(value) for path, value in _mapping(values).items()}
