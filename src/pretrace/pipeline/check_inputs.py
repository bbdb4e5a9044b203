"""Whether what a stage reads is still what the stages before it wrote, looked at before any work starts.

DVC writes the checksums of what a stage wrote to dvc.lock; a stage that is run by hand notes its own in
.pretrace/written/<stage>.json. What is neither is refused by name: a file that is missing, cut short, damaged on the
disk (DVC itself looks at size and time of change only), of an older version or of another run. Without a dvc.lock and
without a note there is nothing to compare with, and nothing is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path, PurePosixPath
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import CHUNK_BYTES, write_json

NOTES = Path(".pretrace/written")
"""Beside the outputs: DVC's temporary copies have their own."""
CACHE = Path(".dvc/cache/files/md5")
KINDS = ("outs", "metrics", "plots")
Listing = dict[str, str]
"""MD5, DVC's checksum, of each file of a folder, by name; of a file, by the name ""."""


@dataclass(frozen=True)
class Output:
    """What a stage is known to have written."""

    stage: str
    path: str
    locked: str | None
    """DVC's checksum of the whole."""
    listings: tuple[Listing, ...]
    """Of its files, as far as they are known; one for each state that is right."""


def check_inputs(stage: str, cell: tuple[str, ...], axes: Mapping[str, Mapping[str, Any]]) -> None:
    """Compare all that a stage reads of other stages with what those wrote.

    Args:
        stage: its name in dvc.yaml.
        cell: the keys of a cell of its matrix.
        axes: what a matrix can run over, by its name in params.yaml.

    Raises:
        PretraceError: a file is not what was written; it is named.
    """
    stages = _stages()
    if stage not in stages:
        return
    dependencies = _paths(stages[stage], ("deps",), cell)
    read = [(name, path, d) for name, path in _outputs(stages, axes) for d in dependencies if _holds(path, d)]
    locks = _locked() if read else {}
    for name, path, dependency in read:
        locked, note = locks.get(name, {}).get(path), _note(name).get(path, {})
        _compare(Output(name, path, locked, _listings(locked, note)), dependency)


def record_outputs(stage: str, cell: tuple[str, ...]) -> None:
    """Note what a stage has just written, where it is not DVC that does so."""
    stages = _stages()
    name = _name(stage, cell)
    if stage not in stages or os.environ.get("DVC_STAGE"):
        return
    paths = _paths(stages[stage], KINDS, cell)
    locked = _locked().get(name, {})
    # A note is for what was locked when it was written; after the next `dvc repro` or `dvc checkout` it says nothing.
    note = {path: {"instead_of": locked.get(path), "files": _listing(Path(path))} for path in paths}
    write_json(NOTES / f"{name}.json", note)


def _stages() -> dict[str, Any]:
    return _read(Path("dvc.yaml")).get("stages") or {}


def _read(path: Path) -> dict[str, Any]:
    """A file that DVC reads or writes, all values as text."""
    if not path.is_file():
        return {}
    import yaml  # its C reader takes 0.04 s for a dvc.lock, ruamel's Python 0.6

    try:
        value = yaml.load(path.read_bytes(), getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        raise PretraceError(f"{path}: not readable as YAML ({said}); `git checkout {path}` restores it") from None
    return value if isinstance(value, dict) else {}


def _locked() -> dict[str, dict[str, str]]:
    """DVC's checksums: stage, path."""
    try:
        return {
            name: {out["path"]: out["md5"] for out in stage.get("outs") or () if "md5" in out}
            for name, stage in (_read(Path("dvc.lock")).get("stages") or {}).items()
        }
    except (AttributeError, TypeError):
        return {}  # that it has its form is for DVC to check


def _outputs(stages: dict[str, Any], axes: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """What all stages that there are write: stage, path. DVC keeps the lock of others, too."""
    for stage, entry in stages.items():
        keys = (axes[axis.removeprefix("${").removesuffix("}")] for axis in (entry.get("matrix") or {}).values())
        for cell in product(*keys):
            for path in _paths(entry, KINDS, cell):
                yield _name(stage, cell), path


def _holds(output: str, dependency: str) -> bool:
    """Whether a dependency reads something of an output."""
    mine, other = PurePosixPath(output), PurePosixPath(dependency)
    return mine == other or mine in other.parents or other in mine.parents


def _listings(locked: str | None, note: dict[str, Any]) -> tuple[Listing, ...]:
    cached = _cached(locked) if locked else None
    noted = note["files"] if note and note["instead_of"] == locked else None
    return tuple(listing for listing in (cached, noted) if listing is not None)


def _name(stage: str, cell: tuple[str, ...]) -> str:
    return f"{stage}@{'-'.join(cell)}" if cell else stage


def _paths(entry: dict[str, Any], kinds: tuple[str, ...], cell: tuple[str, ...]) -> list[str]:
    """The paths that a stage of dvc.yaml names, for a cell of its matrix."""
    items = [item for kind in kinds for item in entry.get(kind) or ()]
    paths = [item if isinstance(item, str) else next(iter(item)) for item in items]
    for axis, key in zip(entry.get("matrix") or {}, cell, strict=True):
        paths = [path.replace(f"${{item.{axis}}}", key) for path in paths]
    return paths


def _note(name: str) -> dict[str, Any]:
    try:
        return json.loads((NOTES / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _cached(value: str) -> Listing | None:
    """What DVC knows of the files of a folder; None where its cache does not have that, or is elsewhere."""
    if not value.endswith(".dir"):
        return {"": value}
    try:
        content = (CACHE / value[:2] / value[2:]).read_bytes()
    except OSError:
        return None
    if f"{hashlib.md5(content).hexdigest()}.dir" != value:
        return None
    return {entry["relpath"]: entry["md5"] for entry in json.loads(content)}


def _compare(output: Output, dependency: str) -> None:
    """Raises `PretraceError` unless the files that the dependency reads of an output are in one of the right states."""
    part = Path(dependency if PurePosixPath(output.path) in PurePosixPath(dependency).parents else output.path)
    below = part.relative_to(output.path).as_posix()
    wanted = [_below(listing, below) for listing in output.listings]
    if not wanted and not output.locked:
        return
    if not wanted:
        part = Path(output.path)
    found = _listing(part)
    if found in wanted or (part == Path(output.path) and _of_all(found) == output.locked):
        return
    if not wanted:
        name, state = "", "missing" if not found and not part.exists() else "changed"
    else:
        # Of several right states, the one that is nearest tells most.
        name, state = min((_differences(listing, found) for listing in wanted), key=len)[0]
    if state == "missing":
        raise PretraceError(f"{part / name}: missing, but stage `{output.stage}` wrote it; run `dvc repro`")
    # A file that DVC would not see to be another one has to go before it is made or fetched again.
    raise PretraceError(
        f"{part / name}: {state}, not what stage `{output.stage}` wrote; delete {output.path} and run `dvc repro` to "
        f"have that again, or, if it is meant, `dvc commit {output.stage}`"
    )


def _below(listing: Listing, folder: str) -> Listing:
    if folder == ".":
        return listing
    return {name.removeprefix(f"{folder}/"): value for name, value in listing.items() if name.startswith(f"{folder}/")}


def _differences(wanted: Listing, found: Listing) -> list[tuple[str, str]]:
    """Names and what is wrong with them; at least one."""
    names = sorted({name for name, value in (wanted.items() ^ found.items())})
    states = {(False, True): "missing", (True, False): "unknown", (True, True): "changed"}
    return [(name, states[name in found, name in wanted]) for name in names] or [("", "changed")]


def _listing(path: Path) -> Listing:
    """The files that are there; none where nothing is. Raises `PretraceError` where one cannot be read."""
    if not path.is_dir():
        return {"": _md5(path)} if path.exists() else {}
    files = [Path(folder, name) for folder, _, names in os.walk(path, followlinks=True) for name in names]
    return {file.relative_to(path).as_posix(): _md5(file) for file in sorted(files)}


def _of_all(listing: Listing) -> str | None:
    """DVC's checksum of a file or folder with these files."""
    if "" in listing:
        return listing[""]
    entries = [{"md5": listing[name], "relpath": name} for name in sorted(listing)]
    return f"{hashlib.md5(json.dumps(entries).encode()).hexdigest()}.dir"


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise PretraceError(
            f"{path}: cannot be read ({error.strerror}); look after the disk, delete it and run `dvc repro`"
        ) from None
    return digest.hexdigest()
