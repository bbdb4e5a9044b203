"""Files of a commit, or of the folder we stand in, under the same names; `git` is all it takes."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError

REPOSITORY_OF_OTHERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""Set in a hook of git: they would have us read another repository than the one of the folder."""


@dataclass(frozen=True)
class Tree:
    """A state of the repository whose files can be read."""

    name: str
    """As a person says it: "origin/main", or "here" for the working files."""
    commit: str | None
    """40 digits; None for the working files."""
    root: Path
    """The project's folder, in which params.yaml is."""

    def text(self, path: str) -> str | None:
        """A file's text; None where there is no such file.

        Raises:
            PretraceError: it is not UTF-8, or cannot be read.
        """
        found = self._bytes(path)
        try:
            return None if found is None else found.decode("utf-8")
        except UnicodeDecodeError as error:
            raise PretraceError(f"{self._place(path)}: not UTF-8 at byte {error.start}") from None

    def json(self, path: str) -> Any:
        """A JSON file's value; None where there is no such file.

        Raises:
            PretraceError: it is not JSON.
        """
        text = self.text(path)
        try:
            return None if text is None else json.loads(text)
        except ValueError as error:
            raise PretraceError(f"{self._place(path)}: not a whole JSON file ({error})") from None

    def yaml(self, path: str) -> dict[str, Any]:
        """A YAML file's keys; none where there is no such file.

        Raises:
            PretraceError: it is not YAML, or its top is no mapping.
        """
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        try:
            value = YAML(typ="safe", pure=True).load(self.text(path) or "")
        except YAMLError as error:
            raise PretraceError(f"{self._place(path)}: not readable as YAML: {' '.join(str(error).split())}") from None
        if not isinstance(value, dict | None):
            raise PretraceError(f"{self._place(path)}: takes keys with values, got {type(value).__name__}")
        return value or {}

    def _bytes(self, path: str) -> bytes | None:
        if self.commit is not None:
            return git(self.root, "cat-file", "blob", f"{self.commit}:./{path}")
        try:
            return (self.root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise PretraceError(f"{path}: cannot be read ({error.strerror})") from None

    def _place(self, path: str) -> str:
        return path if self.commit is None else f"{path} at {self.name}"


def tree_at(revision: str | None, root: Path = Path()) -> Tree | None:
    """The files of a revision, or with None those of the folder; None where there is no such revision."""
    if revision is None:
        return Tree("here", None, root)
    found = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return Tree(revision, found.decode().strip(), root) if found else None


def git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints; None where it fails.

    Raises:
        PretraceError: git is not installed.
    """
    environment = {name: value for name, value in os.environ.items() if name not in REPOSITORY_OF_OTHERS}
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True)
    except FileNotFoundError:
        raise PretraceError("git: not found; install it, the history is read with it") from None
    return done.stdout if done.returncode == 0 else None
