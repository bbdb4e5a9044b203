"""Compute a score again in a temporary copy of the project, and compare.

The copy has the files of the folder that git knows, links to the files of the task's rows, the cache of the project,
and no finished seeds or checkpoints, so the stage has to run. Where the rows' files are here, they are read again, too.
Other inputs are links into the cache; outputs are deleted with the copy. The folder itself stays untouched; its cache
may get what it lacks from the remote.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pretrace.common.code import CODE_AND_SETTINGS
from pretrace.common.errors import PretraceError
from pretrace.common.git import git
from pretrace.common.provenance import processor
from pretrace.review.cell import Cell, find_cell
from pretrace.review.git_tree import Tree
from pretrace.review.lockfile import cache_folder, clean_environment, disagreements, hashes, locked_stages
from pretrace.tasks.raw_files import absent_files, changed_files, read_task_reports, rows_changed

CONFIG = """[core]
    analytics = false
    no_scm = true
    site_cache_dir = {site}
[cache]
    dir = {cache}
    type = "reflink,symlink,copy"
"""
"""Configuration of DVC in the copy; it links to the cache, so that a large model is not copied."""


def verify_score(file: Path, name: str) -> tuple[bool, list[tuple[str, str]]]:
    """Run the stage of a cell again; return whether score and predictions are the same, and (heading, text) lines.

    Raises:
        PretraceError: there is no such cell; its inputs are not here; or its stage fails.
    """
    cell = find_cell(file, name)
    cell.lock_entry()
    if differ := disagreements(cell.root, cell.stage):
        raise PretraceError(f"not verified, as the score was made with other files than those here: {differ[0]}")
    with tempfile.TemporaryDirectory(prefix="pretrace-verify-") as folder:
        copy = Path(folder) / "project"
        _copy_project(cell.root, copy)
        rows, why_not = _rows_to_read(cell)
        _link_files(rows + _language_tests(cell), cell.root, copy)
        _get_data(cell, copy)
        if rows:
            _run(copy, f"tasks@{cell.row.task}")
        _run(copy, cell.stage)
        return _compared(cell, copy, rows, why_not)


def _copy_project(root: Path, copy: Path) -> None:
    """Copy the files of the folder that git tracks, and new ones where code and parameters are."""
    known = git(root, "ls-files", "-z", "--cached")
    if known is None:
        raise PretraceError(f"{root}: not in a git repository, whose list of files says what to copy")
    new = git(root, "ls-files", "-z", "--others", "--exclude-standard", "--", *CODE_AND_SETTINGS) or b""
    for name in filter(None, (known + new).decode().split("\0")):
        if (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, copy / name)
    (copy / ".dvc").mkdir(exist_ok=True)
    (copy / ".dvc" / "config.local").write_text(
        CONFIG.format(cache=cache_folder(root), site=copy.parent / "site-cache"), encoding="utf-8"
    )


def _rows_to_read(cell: Cell) -> tuple[list[str], str]:
    """Return the files that the task's rows are read from, and why they cannot be read again; one of both is empty.

    Raises:
        PretraceError: one has changed since.
    """
    report = read_task_reports([cell.row.task], cell.root).get(cell.row.task)
    paths = [file.path for file in report.raw_files.values() if file.sha256] if report else []
    if not report or not paths:
        return [], ""
    if changed := changed_files(report, cell.root):
        raise PretraceError(f"not verified: {rows_changed(cell.row.task, changed)}")
    absent = absent_files(report, cell.root)
    return ([], f"not read again: {', '.join(absent)}: not here") if absent else (paths, "")


def _language_tests(cell: Cell) -> list[str]:
    """Return the files of the language tests that the zero-shot stage reads."""
    tests = Tree("here", None, cell.root).yaml("params.yaml").get("language_tests") or {}
    return [str(test["file"]) for test in tests.values()] if cell.stage.partition("@")[0] == "zeroshot" else []


def _link_files(paths: list[str], root: Path, copy: Path) -> None:
    """Link files from outside the pipeline that git has not given to the copy; an absolute path needs no link.

    Raises:
        PretraceError: a path leads out of the repository, where the copy's would lead elsewhere.
    """
    for path in paths:
        target = copy / path
        if Path(path).is_absolute() or target.exists() or not (root / path).exists():
            continue
        if not target.resolve().is_relative_to(copy.resolve()):
            raise PretraceError(f"not verified: {path} leads out of the repository; make it an absolute path")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to((root / path).resolve())


def _get_data(cell: Cell, copy: Path) -> None:
    """Check out the outputs of the stages before this one; fetch them first if the cache lacks them."""
    before = cell.chain()[1:]
    if not before or _dvc(copy, "checkout", *before).returncode == 0:
        return
    fetched = _dvc(cell.root, "fetch", *before)
    done = _dvc(copy, "checkout", *before)
    if done.returncode:
        output = " ".join((fetched.stderr if fetched.returncode else done.stderr).split())
        raise PretraceError(f"not verified: what {cell.stage} reads is neither in the cache nor on a remote ({output})")


def _run(copy: Path, stage: str) -> None:
    """Run a stage in the copy, finished or not. Raises `PretraceError` if it fails."""
    command = ("repro", "--force", "--single-item", "--no-commit", "--no-run-cache", stage)
    if _dvc(copy, *command, shown=True).returncode:
        raise PretraceError(f"not verified: {stage} failed; its output is above")


def _compared(cell: Cell, copy: Path, rows: list[str], why_not: str) -> tuple[bool, list[tuple[str, str]]]:
    then, now = _scores_of_table(cell), cell.scores_in(copy)
    stages = locked_stages(Tree("copy", None, copy))
    old = hashes(cell.lock_entry(), "outs").get(cell.predictions, "none")
    new = hashes(stages.get(cell.stage), "outs").get(cell.predictions, "none")
    lines = [("again", f"{cell.stage} ran in a copy of this folder, on {processor()}")]
    lines += [("rows", _rows(cell, rows, stages))] if rows else [("rows", why_not)] if why_not else []
    lines += [("score", _both("the table", then, now)), ("predictions", _both("dvc.lock", old, new))]
    same = then == now and old == new
    verdict = f"SAME: the scores of {cell.name} and the hash of {cell.predictions} are the same"
    return same, [*lines, ("verdict", verdict if same else _differs(cell, then == now, old == new))]


def _rows(cell: Cell, files: list[str], stages: dict[str, Any]) -> str:
    """Return whether the rows that were read again are those of dvc.lock."""
    task, folder = f"tasks@{cell.row.task}", f"data/tasks/{cell.row.task}"
    old, new = (hashes(known.get(task), "outs").get(folder, "none") for known in (cell.stages, stages))
    return f"read again from {', '.join(dict.fromkeys(files))}: {_both('dvc.lock', old, new)}"


def _scores_of_table(cell: Cell) -> list[float]:
    return [] if cell.row.score is None else [cell.row.score, *cell.row.scores_by_seed]


def _both(where: str, then: object, now: object) -> str:
    texts = [
        ", ".join(f"{100 * score:.4f}" for score in one) or "n/a" if isinstance(one, list) else str(one)
        for one in (then, now)
    ]
    return f"{texts[0]} in {where}, {'and the same again' if then == now else f'now {texts[1]}'}"


def _differs(cell: Cell, scores: bool, predictions: bool) -> str:
    parts = (("the scores", scores), ("the predictions", predictions))
    different = " and ".join(name for name, same in parts if not same)
    return f"DIFFERENT: {different} of {cell.name}; training gives the same bytes on the same kind of processor only"


def _dvc(folder: Path, *arguments: str, shown: bool = False) -> subprocess.CompletedProcess[str]:
    """Run DVC; with `shown`, its output goes to stderr."""
    streams = {"stdout": 2} if shown else {"capture_output": True}
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=folder, env=clean_environment(), text=True, **streams)
