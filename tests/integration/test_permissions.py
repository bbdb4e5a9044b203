"""Permissions of all files that a run writes, whichever library wrote them: those that the umask leaves."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from tests.helpers import tiny_project as tiny

WRITTEN = ("data", "models", "reports", ".pretrace")


def run_again(finished: Path, folder: Path, mask: int) -> Path:
    """A copy of a project in which the pipeline has run from nothing under a umask."""
    tiny.copied(finished, folder)
    for name in (*WRITTEN, ".dvc/cache"):
        shutil.rmtree(folder / name)
    done = tiny.run(folder, sys.executable, "-m", "dvc", "repro", before=lambda: os.umask(mask) and None)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def wrong_permissions(project: Path, mask: int) -> dict[str, str]:
    """{path: permissions} of what a run has written with others than a umask leaves."""
    paths = [path for name in WRITTEN for path in (project / name).rglob("*") if not path.is_symlink()]
    suffixes = {path.suffix for path in paths}
    assert suffixes >= {".parquet", ".safetensors", ".bin", ".model", ".jsonl", ".json", ".svg", ".html", ".md", ".csv"}
    assert sum(path.suffix == ".safetensors" for path in paths) >= 5
    return {
        str(path.relative_to(project)): oct(mode)
        for path in paths
        if (mode := stat.S_IMODE(path.stat().st_mode)) != (0o777 if path.is_dir() else 0o666) & ~mask
    }


def test_every_file_of_a_run_has_the_permissions_of_the_umask(finished: Path) -> None:
    mask = os.umask(0)
    os.umask(mask)
    assert wrong_permissions(finished, mask) == {}


@pytest.mark.nightly
@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077], ids=oct)
def test_every_file_of_a_run_has_the_permissions_of_any_umask(finished: Path, tmp_path: Path, mask: int) -> None:
    assert wrong_permissions(run_again(finished, tmp_path / "project", mask), mask) == {}
