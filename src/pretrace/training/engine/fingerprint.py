"""Names for training runs: the hash of all that a result rests on, its code among it.

Which code that is, is found by reading what a module imports. A checkpoint is not picked up when code has changed that
its weights may depend on; and it is when other code has, or a long run would be lost to an edit of the progress line.
So training is split: what decides the weights is in modules of its own, and the name of a run is made with the sources
of one of those and of all that it imports of pretrace, directly or not. What is imported inside of a function counts,
too; a name that a package passes on counts as its origin.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from pretrace.common.files import sha256_of_json

ROOT = Path(__file__).parents[2]
LEFT_OUT = (
    "common/errors.py",
    "common/files.py",
    "common/processes.py",
    "common/progress.py",
    "common/validation.py",
    "schemas/",
    "settings/",
)
"""How things are said, written and started. Of settings the values count, which the name of a run has besides."""


def fingerprint(**parts: Any) -> str:
    """A name for a training run: the hash of all it depends on (settings, data, vocabulary, code, torch version)."""
    return sha256_of_json({**parts, "torch": torch.__version__.split("+")[0]})


def sha256_of_imports(module: str) -> str:
    """Return the SHA-256 of the sources of a module, such as "training/engine/loop.py", and all it imports of ours."""
    digest = hashlib.sha256()
    for path in imported_by(module):
        digest.update(path.encode() + b"\0" + (ROOT / path).read_bytes() + b"\0")
    return digest.hexdigest()


def imported_by(module: str) -> list[str]:
    """A module and all that it imports of pretrace, but for `LEFT_OUT`: paths below the package, sorted."""
    seen, waiting = {module}, [module]
    while waiting:
        for path in _imports(waiting.pop()):
            if path not in seen and not path.startswith(LEFT_OUT):
                seen.add(path)
                waiting.append(path)
    return sorted(seen)


def _imports(path: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_bytes())):
        if isinstance(node, ast.Import):
            yield from (_file(alias.name) for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            yield from (_origin(str(node.module), alias.name) for alias in node.names)


def _origin(module: str, name: str) -> str:
    """The file that `name` of a module is from: a package may only pass it on."""
    path = _file(module)
    if path.endswith("__init__.py"):
        below = _file(f"{module}.{name}")
        if (ROOT / below).is_file():
            return below
        for node in ast.walk(ast.parse((ROOT / path).read_bytes())):
            if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
                return _origin(str(node.module), name)
    return path


def _is_ours(module: str) -> bool:
    return module.split(".")[0] == "pretrace"


def _file(module: str) -> str:
    """The path of a module below the package; one that is a package is its `__init__.py`."""
    place = ROOT.joinpath(*module.split(".")[1:])
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return path.relative_to(ROOT).as_posix()
