"""`pretrace inspect`: looks at a checkout before DVC, make or any of its code runs, and runs none of it.

Settings and sizes, names that lead elsewhere, files planted where DVC keeps its own, and what of its code differs from
a commit that is trusted. Files are only read, git is only asked for lists; whether changed code is harmless is for a
person to read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pretrace.common.errors import PretraceError, printable
from pretrace.common.git import GitError, git
from pretrace.common.open_file import read_bytes
from pretrace.preflight.pipeline_files import changed_commands, config_findings, lock_findings, pipeline_findings
from pretrace.settings import Scale, load_settings, read_yaml
from pretrace.settings.section import checked
from pretrace.settings.system import System
from pretrace.settings.yaml_file import parse_yaml

OWN = (".dvc", ".pretrace", ".venv", "data", "models", "mlruns")
"""Folders of DVC, pretrace and the environment, which git has nothing of but the next."""
IN_GIT = (".dvc/config", ".dvc/.gitignore")
DATA = ("docs/", "reports/", "rows/", "scales/", "systems/", "params.yaml", "dvc.lock", ".dvc/.gitignore")
"""Read or shown, and not run; so is text in Markdown."""
PIPELINES = ("assistant",)
"""Folders of pipelines that DVC does not see with the first one."""
IGNORE, LARGEST_IGNORE = ".dvcignore", 1 << 16
"""The file of what DVC leaves alone, and the most bytes of it; this project's has 200."""
SHA1 = 40
"""Digits of git's digests; those of SHA-256 have 64."""
LARGEST_BYTES = 20 << 20
"""Of a file in git; this project's largest has 0.1 MB."""
LINK, SUBMODULE = "120000", "160000"
"""Modes of git."""


@dataclass(frozen=True)
class Entry:
    """A file that git tracks."""

    mode: str
    digest: str
    """Of git, of its content."""
    path: str


def inspect_checkout(root: Path, base: str) -> tuple[list[str], list[str]]:
    """Return what speaks against opening a checkout, and notes on what to read first; a line each.

    Args:
        base: the commit that is trusted, in the checkout's repository, such as "origin/main".

    Raises:
        PretraceError: the folder is not a checkout of this project, or git refuses.
    """
    if not (root / "dvc.yaml").is_file():
        raise PretraceError(f"{root}: has no dvc.yaml; give the folder of a checkout")
    listed = git(root, "ls-files", "--stage", "-z", "--full-name", ":/")
    if listed is None:
        raise PretraceError(f"{root}: not in a git repository; fetch the branch into your own clone (docs/security.md)")
    entries = list(_entries(listed))
    reasons = [line for entry in entries for line in _entry_findings(root, entry)]
    reasons += _settings_findings(root)
    for name, findings in (("dvc.yaml", pipeline_findings), ("dvc.lock", lock_findings)):
        if (root / name).exists():
            try:
                reasons += findings(read_yaml(root / name, interpolations=name == "dvc.yaml"))
            except PretraceError as error:
                reasons.append(str(error))
    reasons += config_findings(root / ".dvc" / "config")
    return reasons, list(_code_that_differs(root, entries, base))


def _entries(listed: bytes) -> Iterator[Entry]:
    """Yield the lines of `git ls-files --stage` or `git ls-tree`."""
    for line in filter(None, os.fsdecode(listed).split("\0")):
        meta, _, path = line.partition("\t")
        yield Entry(meta[:6], next(word for word in meta.split() if len(word) >= SHA1), path)


def _entry_findings(root: Path, entry: Entry) -> Iterator[str]:
    path = PurePosixPath(entry.path)
    if printable(entry.path) != entry.path:
        yield f"{printable(entry.path)}: a name with control characters or invisible marks"
    if entry.mode == SUBMODULE:
        yield f"{path}: a submodule, which is another repository"
    if entry.mode == LINK or (root / path).is_symlink():
        target = os.path.realpath(root / path)
        if not Path(target).is_relative_to(os.path.realpath(root)):
            yield f"{path}: a link out of the checkout, to {target}"
    elif (root / path).is_file() and (size := (root / path).stat().st_size) > LARGEST_BYTES:
        yield f"{path}: {size >> 20} MB in git; nothing of this project is so large"
    if path.parts[0] in OWN and entry.path not in IN_GIT:
        yield f"{path}: is in git, where DVC or pretrace keeps files of its own, some of which are unpickled; remove it"
    elif _is_of_dvc(path) and not _is_hidden_from_dvc(root, path):
        yield f"{path}: a second pipeline, which DVC would run or check out with the first"


def _is_of_dvc(path: PurePosixPath) -> bool:
    """Return True for a pipeline, its lock, a file of an output or a folder of DVC, below the root."""
    return ".dvc" in path.parts[1:] or path.suffix == ".dvc" or (path.name.startswith("dvc.") and len(path.parts) > 1)


def _is_hidden_from_dvc(root: Path, path: PurePosixPath) -> bool:
    """Return True for this project's own pipelines where .dvcignore leaves out all but what it names, and not them."""
    if path.parts[0] not in PIPELINES or not (root / IGNORE).is_file():
        return False
    lines = read_bytes(root / IGNORE, LARGEST_IGNORE).decode(errors="replace").splitlines()
    rules = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    named = {rule.lstrip("!/").split("/")[0] for rule in rules if rule.startswith("!")}
    return rules[:1] == ["/*"] and path.parts[0] not in named and not any(set("*?[") & set(name) for name in named)


def _settings_findings(root: Path) -> Iterator[str]:
    try:
        load_settings(root)
    except PretraceError as error:
        yield str(error)
    for folder, kind in (("scales", Scale), ("systems", System)):
        for path in sorted((root / folder).glob("*.yaml")):
            try:
                checked(kind, read_yaml(path), f"{folder}/{path.name}")
            except PretraceError as error:
                yield str(error)


def _code_that_differs(root: Path, entries: list[Entry], base: str) -> Iterator[str]:
    commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    if not commit:
        yield f"the code is not compared: no commit {base} here; fetch it (git fetch), or set BASE=..."
        return
    tree = git(root, "ls-tree", "-r", "-z", "--full-tree", commit.decode().strip()) or b""
    trusted = {entry.path: entry.digest for entry in _entries(tree)}
    for path in (entry.path for entry in entries):
        if path.startswith(DATA) or path.endswith(".md"):
            continue
        if path not in trusted:
            yield f"{path}: is not at {base}; code, or read by it: look at it before anything is run"
        elif _digest(root / path, trusted[path]) != trusted[path]:
            yield f"{path}: differs from {base}; code, or read by it: look at it before anything is run"
    try:
        before = git(root, "cat-file", "blob", f"{commit.decode().strip()}:./dvc.yaml")
        now = read_yaml(root / "dvc.yaml", interpolations=True)
        if before is not None:
            yield from changed_commands(now, parse_yaml(before.decode(), "dvc.yaml", interpolations=True), base)
    except (GitError, PretraceError, UnicodeDecodeError):
        return  # said of the file itself, or a commit without one


def _digest(path: Path, like: str) -> str:
    """Return git's digest of a file as it lies there, whatever the index and the filters of git say."""
    try:
        content = os.fsencode(path.readlink()) if path.is_symlink() else read_bytes(path, LARGEST_BYTES)
    except (OSError, PretraceError):
        return ""
    new = hashlib.sha1 if len(like) == SHA1 else hashlib.sha256
    return new(b"blob %d\0" % len(content) + content).hexdigest()
