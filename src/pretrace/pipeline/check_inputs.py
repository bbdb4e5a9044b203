"""Verify the inputs of a stage against the recorded outputs of the stages before it, before any work starts.

DVC records the checksums of outputs in dvc.lock; a stage that is run by hand records its own in
.pretrace/written/<stage>.json. A file that matches neither is an error that names it: missing, truncated, corrupted on
disk (DVC itself compares only size and modification time), from an older version or from another run. Without any
record there is nothing to compare with, and every file is accepted.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path, PurePosixPath
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import TEXT_BYTES, read_bytes
from pretrace.pipeline.dvc_hash import Listing, hash_of, list_hashes
from pretrace.schemas.record import read_record, write_record
from pretrace.schemas.tracking import OutputNote

RECORDS = Path(".pretrace/written")
"""Folder of records, beside the outputs: DVC's temporary copies have their own."""
CACHE = Path(".dvc/cache/files/md5")
KINDS = ("outs", "metrics", "plots")


@dataclass(frozen=True)
class Output:
    """An output of a stage, with its recorded checksums."""

    stage: str
    path: str
    locked: str | None
    """DVC's checksum of the whole output; None if dvc.lock has none."""
    listings: tuple[Listing, ...]
    """Checksums of its files, as far as they are known; one listing for each acceptable state."""


def check_inputs(stage: str, cell: tuple[str, ...], axes: Mapping[str, Sequence[str]]) -> None:
    """Compare all inputs of a stage with the recorded outputs of the stages that wrote them.

    Args:
        stage: name in dvc.yaml.
        cell: keys of a cell of its matrix.
        axes: names in the sections of params.yaml that a matrix can run over, by section.

    Raises:
        PretraceError: a file does not match; it is named.
    """
    stages = _stages()
    if stage not in stages:
        return
    first = next(iter(axes["systems"]), "")
    dependencies = [path.replace("${systems[0]}", first) for path in _paths(stages[stage], ("deps",), cell)]
    read = [(name, path, d) for name, path in _outputs(stages, axes) for d in dependencies if _overlaps(path, d)]
    locks = _locked() if read else {}
    for name, path, dependency in read:
        locked, record = locks.get(name, {}).get(path), _record(name).get(path)
        _compare(Output(name, path, locked, _listings(locked, record)), dependency)


def record_outputs(stage: str, cell: tuple[str, ...]) -> None:
    """Record the outputs that a stage has just written, unless DVC does so."""
    stages = _stages()
    name = _name(stage, cell)
    if stage not in stages or os.environ.get("DVC_STAGE"):
        return
    paths = _paths(stages[stage], KINDS, cell)
    locked = _locked().get(name, {})
    # A record is valid for the dvc.lock that it was written with, not after the next `dvc repro` or `dvc checkout`.
    record = {path: OutputNote(instead_of=locked.get(path), files=list_hashes(Path(path))) for path in paths}
    write_record(RECORDS / f"{name}.json", record)


def _stages() -> dict[str, Any]:
    return _read(Path("dvc.yaml")).get("stages") or {}


def _read(path: Path) -> dict[str, Any]:
    """Return the content of a file that DVC reads or writes, with all values as text."""
    if not path.is_file():
        return {}
    import yaml  # its C reader takes 0.04 s for a dvc.lock, ruamel's Python 0.6

    try:
        value = yaml.load(read_bytes(path, TEXT_BYTES), getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise PretraceError(f"{path}: not readable as YAML ({reason}); `git checkout {path}` restores it") from None
    return value if isinstance(value, dict) else {}


def _locked() -> dict[str, dict[str, str]]:
    """Return DVC's checksums by stage and path."""
    try:
        return {
            name: {out["path"]: out["md5"] for out in stage.get("outs") or () if "md5" in out}
            for name, stage in (_read(Path("dvc.lock")).get("stages") or {}).items()
        }
    except (AttributeError, TypeError):
        return {}  # DVC reports a malformed dvc.lock


def _outputs(stages: dict[str, Any], axes: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Yield (stage, path) of all outputs in dvc.yaml; dvc.lock may also have stages that no longer exist."""
    for stage, entry in stages.items():
        keys = (axes[axis.removeprefix("${").removesuffix("}")] for axis in (entry.get("matrix") or {}).values())
        for cell in product(*keys):
            for path in _paths(entry, KINDS, cell):
                yield _name(stage, cell), path


def _overlaps(output: str, dependency: str) -> bool:
    """Return True if a dependency is an output, inside one, or contains one."""
    mine, other = PurePosixPath(output), PurePosixPath(dependency)
    return mine == other or mine in other.parents or other in mine.parents


def _listings(locked: str | None, record: OutputNote | None) -> tuple[Listing, ...]:
    cached = _cached(locked) if locked else None
    recorded = record.files if record and record.instead_of == locked else None
    return tuple(listing for listing in (cached, recorded) if listing is not None)


def _name(stage: str, cell: tuple[str, ...]) -> str:
    return f"{stage}@{'-'.join(cell)}" if cell else stage


def _paths(entry: dict[str, Any], kinds: tuple[str, ...], cell: tuple[str, ...]) -> list[str]:
    """Return the paths in the given lists of a stage of dvc.yaml, for a cell of its matrix."""
    items = [item for kind in kinds for item in entry.get(kind) or ()]
    paths = [item if isinstance(item, str) else next(iter(item)) for item in items]
    for axis, key in zip(entry.get("matrix") or {}, cell, strict=True):
        paths = [path.replace(f"${{item.{axis}}}", key) for path in paths]
    return paths


def _record(name: str) -> dict[str, OutputNote]:
    try:
        return read_record(RECORDS / f"{name}.json", dict[str, OutputNote])
    except PretraceError:
        return {}


def _cached(value: str) -> Listing | None:
    """Return the files of an output by DVC's checksum; None if DVC's cache lacks them or is elsewhere."""
    if not value.endswith(".dir"):
        return {"": value}
    try:
        content = read_bytes(CACHE / value[:2] / value[2:], TEXT_BYTES)
    except PretraceError:
        return None
    if f"{hashlib.md5(content).hexdigest()}.dir" != value:
        return None
    return {entry["relpath"]: entry["md5"] for entry in json.loads(content)}


def _compare(output: Output, dependency: str) -> None:
    """Raise `PretraceError` unless the files of an output that the dependency reads are in an acceptable state."""
    part = Path(dependency if PurePosixPath(output.path) in PurePosixPath(dependency).parents else output.path)
    below = part.relative_to(output.path).as_posix()
    wanted = [_below(listing, below) for listing in output.listings]
    if not wanted and not output.locked:
        return
    if not wanted:
        part = Path(output.path)
    present = list_hashes(part)
    if present in wanted or (part == Path(output.path) and hash_of(present) == output.locked):
        return
    if not wanted:
        name, state = "", "missing" if not present and not part.exists() else "changed"
    else:
        # Compare with the acceptable state that differs least.
        name, state = min((_differences(listing, present) for listing in wanted), key=len)[0]
    if state == "missing":
        raise PretraceError(f"{part / name}: missing, but stage `{output.stage}` wrote it; run `dvc repro`")
    how = "does not match the recorded output" if state == "changed" else "is not among the recorded outputs"
    # DVC may not notice the difference (same size and time), so the file must be deleted first.
    raise PretraceError(
        f"{part / name}: {how} of stage `{output.stage}`; delete {output.path} "
        f"and run `dvc repro` to restore it, or `dvc commit {output.stage}` to accept the change"
    )


def _below(listing: Listing, part: str) -> Listing:
    """Return the files of a part of an output: all of them, those of a folder in it, or one file."""
    if part == ".":
        return listing
    if part in listing:
        return {"": listing[part]}
    return {name.removeprefix(f"{part}/"): value for name, value in listing.items() if name.startswith(f"{part}/")}


def _differences(wanted: Listing, present: Listing) -> list[tuple[str, str]]:
    """Return names of files and what is wrong with them; at least one."""
    names = sorted({name for name, value in (wanted.items() ^ present.items())})
    states = {(False, True): "missing", (True, False): "unknown", (True, True): "changed"}
    return [(name, states[name in present, name in wanted]) for name in names] or [("", "changed")]
