"""Run git. It prints an answer, answers no, or refuses: a refusal is never taken for "nothing there"."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pretrace.common.errors import PretraceError

SECONDS = 60
"""A call that takes longer is stopped. Only a network disk or a damaged repository takes so long."""
NO = 1
"""Exit status of git for "no such revision" and "not ignored"; its errors have 128 and 129."""
NO_REPOSITORY = "fatal: not a git repository (or any "
REPOSITORY_OF_OTHERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""Set in a hook of git, where they name another repository than the folder's."""


class GitError(PretraceError):
    """Git cannot be run, or does not answer in this folder: another account's, damaged, or too slow."""


def git(folder: Path, *arguments: str) -> bytes | None:
    """Run git in a folder and return what it prints; None if it answers no, or the folder is in no repository.

    Raises:
        GitError: with what git said.
    """
    own = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}  # messages in English; `git status` writes nothing
    environment = {name: value for name, value in os.environ.items() if name not in REPOSITORY_OF_OTHERS} | own
    environment.pop("LANGUAGE", None)
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, timeout=SECONDS, check=False
        )
    except FileNotFoundError:
        raise GitError("git: not found; install it, to read the history") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]}: no answer in {SECONDS} s") from None
    except OSError as error:
        raise GitError(f"git: cannot be run ({error.strerror})") from None
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode("utf-8", "surrogateescape")
    if done.returncode == NO or (said.startswith(NO_REPOSITORY) and not has_repository(folder)):
        return None
    raise GitError(f"git {arguments[0]}: {said.removeprefix('fatal: ') or f'exit status {done.returncode}'}")


def has_repository(folder: Path) -> bool:
    """Return True if a folder, or one around it, has a `.git`, of which git may say otherwise where it is damaged."""
    folder = folder.resolve()
    return any(os.path.lexists(one / ".git") for one in (folder, *folder.parents))
