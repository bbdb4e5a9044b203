"""Which code decides a result: a module and all that it imports of pretrace, but for the frame around it.

Fingerprints of training runs, caches of cleaned text and token ids, and the test of dvc.yaml all use this module. The
closure of a module is found by parsing its source: imports inside functions count, and a name that a package only
re-exports (`from pretrace.corpus import clean_text`) counts as the module that defines it. So cached results survive
edits of unrelated code, and are recomputed when code that they may depend on is edited.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FRAME = (
    "common.code",
    "common.errors",
    "common.extras",
    "common.files",
    "common.frame",
    "common.git",
    "common.mask",
    "common.open_file",
    "common.processes",
    "common.progress",
    "common.provenance",
    "common.validation",
    "corpus.parallel",
    "pipeline",
    "schemas",
    "settings",
    "tracking",
)
"""Modules and packages that run a stage and watch it, and that check the form of settings and records, whose values are
what counts. None of them decides what comes out. They belong to no closure, and neither does what only they import."""
CODE = ("src/pretrace", "stages", "requirements.txt")
"""All code of the project, from its root."""
CODE_AND_SETTINGS = (*CODE, "scales", "systems", "prompts", "rows", "params.yaml", "dvc.yaml")
"""All that is in git and can decide a result."""


def code_hash(module: str) -> str:
    """Return the SHA-256 of the sources of a module, such as `__name__`, and of all modules in its closure."""
    digest = hashlib.sha256()
    for path in closure(_path(module)):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def closure(source: Path) -> list[Path]:
    """Return a Python file and all modules of pretrace that it imports, directly or not, without `FRAME`; sorted."""
    seen, waiting = {source}, [source]
    while waiting:
        for path in _imports(waiting.pop()):
            if path not in seen and not in_frame(path):
                seen.add(path)
                waiting.append(path)
    return sorted(seen)


def in_frame(path: Path) -> bool:
    """Return True for a module of `FRAME`, or of a package there."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return any(f"{name}.".startswith(f"{frame}.") for frame in FRAME)


def _imports(source: Path) -> Iterator[Path]:
    """Yield the file of each module of pretrace that a file imports a name from."""
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (_path(alias.name) for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            yield from (_defining(str(node.module), alias.name) for alias in node.names)


def _defining(module: str, name: str) -> Path:
    """Return the file that a name of a module comes from: a package may only re-export it."""
    path = _path(module)
    if path.name == "__init__.py":
        below = _path(f"{module}.{name}")
        if below.is_file():
            return below
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if name == (alias.asname or alias.name):
                        return _defining(str(node.module), alias.name)
    return path


def _is_ours(module: str) -> bool:
    return module.split(".")[0] == "pretrace"


def _path(module: str) -> Path:
    """Return the file of a module, given by its full name; of a package, its `__init__.py`."""
    place = ROOT.joinpath(*module.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
