"""The form of dvc.yaml, dvc.lock and .dvc/config that this project has, read without DVC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.mask import has_secret
from pretrace.common.open_file import read_text

TOP = {"stages", "plots", "metrics", "params", "artifacts"}
STAGE = {"desc", "matrix", "cmd", "deps", "params", "outs", "metrics", "plots"}
"""Keys of dvc.yaml that this project uses. Of the others, `vars` and `wdir` decide what names and paths mean."""
OUTPUTS = ("data", "models", "reports")
LOCKED = re.compile(r"[a-z_]+(@[a-z0-9_]+(-[a-z0-9_]+)?)?")
"""A stage in dvc.lock, with the names of its cell."""
INSERTED = {
    *("tasks", "variants", "scale", "systems", "systems[0]", "sequences", "learners"),
    *("item.task", "item.variant", "item.system", "item.sequence", "item.learner"),
}
"""Settings that dvc.yaml inserts: names, which the settings check."""
CONFIG = {
    "core": {"analytics", "autostage", "check_update", "remote"},
    "remote": {"url"},
}
"""Keys of .dvc/config that send nothing elsewhere, load no code (`hydra.plugins_path`) and share no folder."""
LARGEST_CONFIG = 1 << 16
"""Bytes; this project's has 200."""


def pipeline_findings(pipeline: dict[str, Any]) -> Iterator[str]:
    """Yield what in dvc.yaml is no part of this project's form, with the key."""
    for key in sorted(pipeline.keys() - TOP):
        yield f"dvc.yaml: {key}: not used in this project; read what it does, and leave it out"
    for name, stage in _mapping(pipeline.get("stages")).items():
        where = f"dvc.yaml: stages.{name}"
        if not isinstance(stage, dict):
            yield f"{where}: takes keys with values"
            continue
        for key in sorted(stage.keys() - STAGE):
            yield f"{where}.{key}: not used in this project; read what it does, and leave it out"
        command = stage.get("cmd")
        if not isinstance(command, str) or "${" in command or "\n" in command:
            yield f"{where}.cmd: takes one line without `${{`, which a shell would obey; got {command!r}"
        for path in stage.get("deps") or ():
            yield from _path_findings(f"{where}.deps", str(path), ())
        for kind in ("outs", "metrics", "plots"):
            for item in stage.get(kind) or ():
                path, options = next(iter(item.items())) if isinstance(item, dict) and item else (item, {})
                yield from _path_findings(f"{where}.{kind}", str(path), OUTPUTS)
                if "${" in str(path) and not _mapping(options).get("persist"):
                    yield f"{where}.{kind}: {path}: needs `persist: true`, or DVC deletes it before a name is checked"


def lock_findings(lock: dict[str, Any]) -> Iterator[str]:
    """Yield stages and paths of dvc.lock that this project cannot have."""
    for name, stage in _mapping(lock.get("stages")).items():
        if not LOCKED.fullmatch(str(name)):
            yield f"dvc.lock: stages.{name}: no stage with names of tasks and variants"
        for part, folders in (("deps", ()), ("outs", OUTPUTS)):
            entries = _mapping(stage).get(part)
            for entry in entries if isinstance(entries, list) else ():
                yield from _path_findings(f"dvc.lock: stages.{name}.{part}", str(_mapping(entry).get("path")), folders)


def config_findings(path: Path) -> Iterator[str]:
    """Yield keys of DVC's configuration that run, send or share something, read as DVC reads them."""
    from configobj import ConfigObj, ConfigObjError

    try:
        if path.is_symlink():
            raise PretraceError(f"{path}: a link, not a regular file")
        config = ConfigObj(read_text(path, LARGEST_CONFIG).splitlines(), interpolation=False).dict()
    except ConfigObjError as error:
        yield f"{path}: cannot be read ({error})"
        return
    except PretraceError as error:
        yield str(error)
        return
    for section, values in config.items():
        kind = section.strip().strip("'").partition(" ")[0].lower()
        for key, value in values.items() if isinstance(values, dict) else [("", values)]:
            if key.lower() not in CONFIG.get(kind, ()):
                yield f".dvc/config: {section}.{key}: may run, send or share something; read DVC's page on it first"
            elif has_secret(str(value)):
                yield f".dvc/config: {section}.{key}: a URL with a password or key in it"


def changed_commands(now: dict[str, Any], before: dict[str, Any], base: str) -> Iterator[str]:
    """Yield the commands of stages that are new or differ from those of a trusted commit."""
    trusted = _mapping(before.get("stages"))
    for name, stage in _mapping(now.get("stages")).items():
        command, old = _mapping(stage).get("cmd"), _mapping(trusted.get(name)).get("cmd")
        if command != old:
            yield f"dvc.yaml: stages.{name}.cmd: {command!r}, at {base} {old!r}"


def _path_findings(where: str, path: str, folders: tuple[str, ...]) -> Iterator[str]:
    for key in sorted(set(re.findall(r"\$\{(.*?)\}", path)) - INSERTED):
        yield f"{where}: {path}: inserts {key}, which no check bounds to a name"
    parts = PurePosixPath(path).parts
    if path.startswith(("/", "~")) or ".." in parts or "://" in path or not parts:
        yield f"{where}: {path}: leads out of the checkout"
    elif folders and parts[0] not in folders:
        yield f"{where}: {path}: an output is in {', '.join(folders)}"


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
