"""Makes a score again, in a copy of the project that is thrown away, and compares.

The copy has the files of the folder that git knows, the cache of the project, and no finished seeds or checkpoints, so
nothing of the result is at hand: the stage runs. What it reads comes from the cache by links; what it writes goes
nowhere. The folder itself stays untouched; its cache may get what it lacks from the remote.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pretrace.common.code import CODE_AND_SETTINGS
from pretrace.common.errors import PretraceError
from pretrace.common.provenance import processor
from pretrace.review.cell import Cell, find_cell
from pretrace.review.git_tree import Tree, git
from pretrace.review.lockfile import clean_environment, disagreements, hashes, locked_stages

CONFIG = """[core]
    analytics = false
    no_scm = true
[cache]
    dir = {cache}
    type = "reflink,symlink,copy"
"""
"""Of the copy. Links to the cache: a large model shall not be copied."""


def verify(file: Path, name: str) -> tuple[bool, list[tuple[str, str]]]:
    """Run the stage of a cell again; whether score and answers are the same, and (heading, text) that say so.

    Raises:
        PretraceError: there is no such cell; what it was made with is not here; or its stage fails.
    """
    cell = find_cell(file, name)
    cell.locked()
    if differ := disagreements(cell.root, cell.stage):
        raise PretraceError(f"not verified, as the score was made with other files than those here: {differ[0]}")
    with tempfile.TemporaryDirectory(prefix="pretrace-verify-") as folder:
        copy = Path(folder) / "project"
        _copy_project(cell.root, copy)
        _get_data(cell, copy)
        command = ("repro", "--force", "--single-item", "--no-commit", "--no-run-cache", cell.stage)
        if _dvc(copy, *command, shown=True).returncode:
            raise PretraceError(f"not verified: {cell.stage} failed; what it said is above")
        return _compared(cell, copy)


def _copy_project(root: Path, copy: Path) -> None:
    """The files as they are in the folder: those that git has, and new ones where code and parameters are."""
    known = git(root, "ls-files", "-z", "--cached")
    if known is None:
        raise PretraceError(f"{root}: not in a git repository; its list of files says what to copy")
    new = git(root, "ls-files", "-z", "--others", "--exclude-standard", "--", *CODE_AND_SETTINGS) or b""
    for name in filter(None, (known + new).decode().split("\0")):
        if (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, copy / name)
    cache = _dvc(root, "cache", "dir").stdout.strip()
    (copy / ".dvc").mkdir(exist_ok=True)
    (copy / ".dvc" / "config.local").write_text(CONFIG.format(cache=(root / cache).resolve()), encoding="utf-8")


def _get_data(cell: Cell, copy: Path) -> None:
    """Check out what the stages before this one have made; fetch it first where the cache does not have it."""
    before = cell.chain()[1:]
    if not before or _dvc(copy, "checkout", *before).returncode == 0:
        return
    fetched = _dvc(cell.root, "fetch", *before)
    done = _dvc(copy, "checkout", *before)
    if done.returncode:
        said = " ".join((fetched.stderr if fetched.returncode else done.stderr).split())
        raise PretraceError(f"not verified: what {cell.stage} reads is neither in the cache nor on a remote ({said})")


def _compared(cell: Cell, copy: Path) -> tuple[bool, list[tuple[str, str]]]:
    then, now = _scores_of_table(cell), cell.scores_in(copy)
    old = hashes(cell.locked(), "outs").get(cell.predictions, "none")
    new = hashes(locked_stages(Tree("copy", None, copy)).get(cell.stage), "outs").get(cell.predictions, "none")
    lines = [("again", f"{cell.stage} ran in a copy of this folder, on {processor()}")]
    lines += [("score", _both("the table", then, now)), ("answers", _both("dvc.lock", old, new))]
    same = then == now and old == new
    verdict = f"SAME: the scores of {cell.name} and the hash of {cell.predictions} are what they were"
    return same, [*lines, ("verdict", verdict if same else _differs(cell, then == now, old == new))]


def _scores_of_table(cell: Cell) -> list[float]:
    row = cell.row
    return [] if row["score"] is None else [row["score"], *(row.get("scores") or [row["score"]])]


def _both(where: str, then: object, now: object) -> str:
    texts = [
        ", ".join(f"{100 * score:.4f}" for score in one) or "n/a" if isinstance(one, list) else str(one)
        for one in (then, now)
    ]
    return f"{texts[0]} in {where}, {'and again the same' if then == now else f'now {texts[1]}'}"


def _differs(cell: Cell, scores: bool, answers: bool) -> str:
    what = " and ".join(name for name, same in (("the scores", scores), ("the answers", answers)) if not same)
    return f"DIFFERENT: {what} of {cell.name}; training gives the same bytes on the same kind of processor only"


def _dvc(folder: Path, *arguments: str, shown: bool = False) -> subprocess.CompletedProcess[str]:
    """Run DVC; `shown`: what it says goes to stderr as it comes."""
    streams = {"stdout": 2} if shown else {"capture_output": True}
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=folder, env=clean_environment(), text=True, **streams)
