"""Files of a commit or of the working tree, read by the same names; needs only `git`."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.git import GitError, git
from pretrace.common.open_file import TEXT_BYTES, read_bytes
from pretrace.settings.yaml_file import parse_yaml


@dataclass(frozen=True)
class Tree:
    """A state of the repository whose files can be read."""

    name: str
    """As a person says it: "origin/main", or "here" for the working tree."""
    commit: str | None
    """40 digits; None for the working tree."""
    root: Path
    """The project's folder, in which params.yaml is."""

    def text(self, path: str) -> str | None:
        """Return a file's text; None where there is no such file.

        Raises:
            PretraceError: it is not UTF-8, or cannot be read.
        """
        content = self._bytes(path)
        try:
            return None if content is None else content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise PretraceError(f"{self._described(path)}: not UTF-8 at byte {error.start}") from None

    def json(self, path: str) -> Any:
        """Return a JSON file's value; None where there is no such file.

        Raises:
            PretraceError: it is not JSON.
        """
        text = self.text(path)
        try:
            return None if text is None else json.loads(text)
        except (ValueError, RecursionError) as error:
            raise PretraceError(f"{self._described(path)}: not a whole JSON file ({error})") from None

    def yaml(self, path: str) -> dict[str, Any]:
        """Return a YAML file's keys; none where there is no such file.

        Raises:
            PretraceError: it is not YAML, its top is no mapping, or it is too large, also by its aliases.
        """
        text = self.text(path)
        return parse_yaml(text, self._described(path), interpolations=True) if text and text.strip() else {}

    def _bytes(self, path: str) -> bytes | None:
        if self.commit is not None:
            if not git(self.root, "ls-tree", "--name-only", self.commit, "--", path):
                return None
            try:
                return git(self.root, "cat-file", "blob", f"{self.commit}:./{path}")
            except GitError as error:
                raise PretraceError(
                    f"{self._described(path)}: git has no content of it here ({error}); run `git fetch`"
                ) from None
        file = self.root / path
        return read_bytes(file, TEXT_BYTES) if os.path.lexists(file) else None

    def _described(self, path: str) -> str:
        return path if self.commit is None else f"{path} at {self.name}"


def tree_at(revision: str | None, root: Path = Path()) -> Tree | None:
    """Return the files of a revision, or with None those of the working tree; None without such a revision.

    Raises:
        GitError: git does not say whether there is one.
    """
    if revision is None:
        return Tree("here", None, root)
    commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return Tree(revision, commit.decode().strip(), root) if commit else None


def no_revision(revision: str, root: Path = Path()) -> str:
    """Return why a revision is not here, and what to do."""
    if git(root, "rev-parse", "--git-dir") is None:
        return f"no revision {revision} here, as this is no git repository; clone it, or run `git init` and commit all"
    if git(root, "rev-parse", "--is-shallow-repository") == b"true\n":
        return (
            f"no revision {revision} in this shallow clone; fetch it, as `git fetch --depth 1 origin "
            "main:refs/remotes/origin/main` does for origin/main, or all with `git fetch --unshallow`"
        )
    return f"no revision {revision} here; fetch it (git fetch), or set BASE=..."
